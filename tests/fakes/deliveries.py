"""What a worker's consumer does with the queue, step by step."""

from datetime import datetime, timedelta, timezone

from backend.state.job_queue import JobQueue


def deliver(queue: JobQueue, after_s: float = 0.0) -> int:
    """Execute every message that is due then; returns how many there were."""
    now = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(seconds=after_s)
    for message in queue.huey.read_schedule(now):
        queue.huey.enqueue(message)
    count = 0
    while (message := queue.huey.dequeue()) is not None:
        queue.huey.execute(message, now)
        count += message.eta is None or message.eta <= now
    return count
