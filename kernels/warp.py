"""What the lanes of a block agree on where it is a warp of a GPU, whose threads walk a lane each. A CPU's are in block.py.

Every branch of a walk that lanes could part at asks here, so that they stay together, at one bar and at one asset: what one
thread fetches serves the others, and none waits. Import it where there is work for a GPU: it needs numba-cuda.
"""

from numba import cuda

from kernels.jit import inner

inlined = inner(forceinline=True)

#: All threads of a warp.
ALL = 0xFFFFFFFF


@inlined
def anyone(yes):
    """Whether any lane of the block says yes, where the one that this thread walks does; all threads of the warp ask together."""
    return cuda.any_sync(ALL, yes)


@inlined
def together():
    """Wait until every lane of the block has read what is noted of assets, which is about to change; a vote does too."""
    cuda.syncwarp(ALL)
