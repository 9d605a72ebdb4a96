"""Files of any size: read in blocks, laid onto each other, and summed up.

A block of predictions is laid onto its phrases and scored by the same code as a small file, and
what is kept of it is a `Tally`: whole numbers, by group of images. Tallies add up, so that blocks,
shards and workers may come in any order and the figures have the same bits. DuckDB reads.
"""
