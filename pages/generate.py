"""Generate: a model writes queries where there are few real ones; how far to trust them."""

from pages.ui import frame, url
from pages.ui.generate import judge, passages, review, setup, trust, write

VIEWS = {
    "passages": ":material/playlist_add_check: Passages",
    "judge": ":material/gavel: Judge",
    "write": ":material/edit_note: Write",
    "review": ":material/checklist: Review",
    "trust": ":material/balance: Trust",
}
SHOWN = {"passages": passages, "judge": judge, "write": write, "review": review, "trust": trust}

with frame.page(
    "Generate",
    "Where there are few real queries, a model writes some: for passages worth one, in the users'"
    " style, filtered, reviewed, and compared with real ones.",
) as workspace:
    generation = setup.choose(workspace)
    chosen = url.row("View", VIEWS, "view", label_visibility="collapsed")
    SHOWN[chosen].view(workspace, generation)
