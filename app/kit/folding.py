"""French text compared without case nor marks, whatever the database's locale (DESIGN rule 7)."""

from __future__ import annotations

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae"})


def fold(text: str) -> str:
    """NFKD, marks removed, case folded, œ and æ in two letters, runs of blanks as one space."""
    apart = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    return " ".join(bare.casefold().split())
