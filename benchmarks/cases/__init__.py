"""The cases: each module gives some. Equality is shown before anything is timed."""
