"""What the lanes of a block agree on where one thread walks them all: it has asked every one of them itself. A GPU's are in warp.py."""

from kernels.jit import inner

inlined = inner(forceinline=True)


@inlined
def anyone(yes):
    """Whether any lane of the block says yes, where any that this thread walks does."""
    return yes


@inlined
def together():
    """Wait until every lane of the block has read what is noted of assets, which is about to change: a thread alone need not."""
