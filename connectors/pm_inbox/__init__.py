"""PM files that come: into a folder that is watched, or announced by a notification and fetched."""
