"""docs/store.md: what its last example prints, and the vectors that it names.

tests/test_docs.py runs the page as a whole.
"""

import re
from pathlib import Path

from atdt.stores.metadata import VECTOR_NOTES

TEXT = Path(__file__).parents[2].joinpath("docs", "store.md").read_text()


def test_a_store_is_written_from_python(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    *_, block = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(block, "docs/store.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "<xarray.Dataset>" in shown
    assert "{'sample': 3, 'depth_y': 12, 'depth_x': 24} rgb/street0.png" in shown


def test_the_vectors_table_is_true():
    for name, (dimensions, _) in VECTOR_NOTES.items():
        assert f"| `{name}` | ({', '.join(dimensions)}) |" in TEXT
