"""Long work on a page: its progress, and what can be asked of it."""

from html import escape

import streamlit as st

from goldsets import jobs
from pages.ui import frame
from retrieval.store import Workspace


@st.fragment(run_every=0.5)
def progress(workspace: Workspace, job_id: int, units: str) -> None:
    """Show a job's progress with pause, resume and cancel; the page follows when it is over."""
    job = jobs.get(workspace, job_id)
    seen = st.session_state.setdefault(f"job-{job_id}", job.state)
    if job.state != seen:
        st.session_state[f"job-{job_id}"] = job.state
        st.rerun()
    if job.state == "done":
        return
    with st.container(border=True):
        share = job.units_done / max(job.units, 1)
        st.progress(share, text=f"{job.units_done} of {job.units} {units}, {job.state}")
        detail = f"{job.step}: {job.done:,} of {job.total:,}" if job.total > 1 else job.step
        frame.quiet(escape(job.error or detail or "Starting a worker process"))
        with st.container(horizontal=True):
            controls(workspace, job)


def controls(workspace: Workspace, job: jobs.Job) -> None:
    """Offer what can be asked of a job in its state."""
    if job.over:
        if st.button("Resume", icon=":material/play_arrow:", type="primary", key=f"go-{job.id}"):
            jobs.resume(workspace, job.id)
        return
    waits = job.wanted != "run"
    if st.button("Pause", icon=":material/pause:", disabled=waits, key=f"pause-{job.id}"):
        jobs.ask(workspace, job.id, "pause")
    if st.button("Cancel", icon=":material/close:", disabled=waits, key=f"cancel-{job.id}"):
        jobs.ask(workspace, job.id, "cancel")
