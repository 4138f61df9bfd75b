"""The durable queue: items, schedule, runner."""
