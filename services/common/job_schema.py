"""Where the queue of a service is; without the library, for those who only need the name."""


def queue_schema(service_name: str) -> str:
    """The schema beside the service's own that holds the tables of pgqueuer."""
    return f"{service_name}_jobs"
