"""Pulling from five kinds of source systems into landing, beside pandas, dlt and the source's own reading speed."""
