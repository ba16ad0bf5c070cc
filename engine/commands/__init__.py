"""The commands, one file a subject; engine/cli.py gathers them. Heavy libraries are imported inside them, so that help is quick."""
