"""Claims that are learned: a linear model over the grams of a masked sentence, and one over whom it may touch."""
