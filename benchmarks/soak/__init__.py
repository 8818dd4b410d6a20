"""What a store, a training and a decoding survive: kills, full disks, flipped bytes, Ctrl-C.

`make soak` does all of it in full; tests/soak does a little of each.
"""
