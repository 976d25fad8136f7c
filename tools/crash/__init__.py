"""``make crash``: trainings that are killed, again and again, must end as if they never had been; see
``docs/reliability.md``."""
