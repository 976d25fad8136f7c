"""Trainings on several ranks, by hand: whether they equal those of one process, and how fast they are; see
``docs/distributed.md``."""
