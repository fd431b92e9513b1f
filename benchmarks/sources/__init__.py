"""The published tutorials' own loops, restated in plain torch: what a recipe's speed is compared with.

Each module has `steps(root)`, which trains for ever on the images below `root` and yields, after each iteration, how
many real images it took. All load as their sources do: a DataLoader without workers over a data set of PIL images, with
transforms image by image; the last, small batch of an epoch counts. Where a source detaches nothing, nothing is
detached here. Threads, memory formats and denormals stay as torch has them.
"""
