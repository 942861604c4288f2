"""How many blocks each ResNet has: the one table of depths.

Sources: He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), table 1, for
the plain networks; Chen et al., "Big-Little Net" (arXiv:1807.03848), for the two-branch ones.
"""

BASIC_SIZES = (18, 34)

BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}

BIG_LITTLE_BLOCKS = {
    50: (3, 4, 6, 3),
    101: (4, 8, 18, 3),
    152: (5, 12, 30, 3),
}

STRIDES = (1, 2, 2, 2)
BIG_LITTLE_STRIDES = (2, 2, 1, 2)
