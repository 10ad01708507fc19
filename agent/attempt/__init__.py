"""An attempt at a run: what its loop shares, who may write for it, how it is stopped."""
