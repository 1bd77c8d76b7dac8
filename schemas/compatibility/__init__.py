"""Whether what was published still holds: an event that any released version took is taken today.

`python -m schemas.compatibility` compares the models with every version in `schemas/released` (BACKWARD_TRANSITIVE) and
says each break in words; `--release VERSION` keeps what is there now as one more version. It sees what JSON Schema can
say; a `RULE` of a model is held by the examples.
"""

from schemas.compatibility.released import FOLDER, Published, breaks_since, load_releases, published_now, release

__all__ = ["FOLDER", "Published", "breaks_since", "load_releases", "published_now", "release"]
