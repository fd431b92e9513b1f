"""Limits that the service and its trainers share. Trainers read this module on Python 3.8, so it imports nothing."""

# A black frame may make an image this many times larger. Beyond it most of what the networks see would be black.
MAX_FRAME_RATIO = 1.25

# A list or mapping of a request may have this many entries. Nobody types more, and each entry costs time in SQL.
MAX_ENTRIES = 100

# Where a data set has no test part, every so many-th training image is held out.
HELD_OUT_EVERY = 10

# Images that an evaluation takes: at least, at most, and where the request does not say. Covariances and neighbours of
# fewer say nothing.
FEWEST_EVALUATED, MOST_EVALUATED, USUALLY_EVALUATED = 200, 10_000, 2000

# Characters of a search, and words and terms in it: each term is a condition in SQL.
MAX_QUERY = 1000
MAX_QUERY_ITEMS = 30

# Characters of the notes on a job.
MAX_NOTES = 10_000

# One trainer may take this share of the memory of a machine or container. The system and the supervisor need the rest.
TRAINER_MEMORY_SHARE = 0.85

# A link that shows a job without a key ends after so many seconds: unless asked otherwise, and at most.
USUAL_SHARE_S = 7 * 86_400
LONGEST_SHARE_S = 90 * 86_400
