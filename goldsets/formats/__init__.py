"""Gold in and out, one file a format. A reader takes a path and a report of what it cannot use."""
