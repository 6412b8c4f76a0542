"""Worklist: every queue page is one declaration, drawn by one engine.

A declaration names columns, filters, tabs, sort keys, permission, row link, bulk actions and export. The engine
selects columns, not objects, pages by keyset (no OFFSET), never counts a table, loads the keys of a page's rows in
one statement, and escapes a whole page of cells at once. Cost of a page does not grow with the table.
"""

from app.core.worklist import bulk, choice, export
from app.core.worklist.cells import Chip, chip, code, due, instant, link, number, text
from app.core.worklist.declaration import BulkAction, Column, Filter, Tab, Worklist, worklists
from app.core.worklist.export import table_file
from app.core.worklist.models import SavedView
from app.core.worklist.page import WorklistPage, page

__all__ = [
    "BulkAction", "Chip", "Column", "Filter", "SavedView", "Tab", "Worklist", "WorklistPage",
    "bulk", "chip", "choice", "code", "due", "export", "instant", "link", "number", "page", "table_file", "text",
    "worklists",
]  # fmt: skip
