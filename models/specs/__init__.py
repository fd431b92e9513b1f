"""The parameters of jobs: one closed, bounded, described model per recipe. The API validates it, the row stores it,
the checkpoint embeds it, the form shows it: it is written once, here."""
