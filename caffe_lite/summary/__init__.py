"""A net at a glance: shapes, parameters, multiply-adds, memory and sharing, without weights or data."""
