"""The tables of a study on the first page: as the step makes them, with their labels, bold numbers and every note."""

import json
import re
from html import unescape
from pathlib import Path

from recontrast import images, layout
from recontrast.evaluation.table import table
from recontrast.report.index import index
from recontrast.scoring import Table


def test_a_table_with_its_notes_stands_on_the_first_page(finished):
    plan = finished(4, volumes=False)
    described = Table.model_validate(
        {
            "title": "Beside the literature",
            "note": "Peaks differ; see `psnr`.",
            "headings": ["Translation", "Study"],
            "rows": [
                {"label": "T1 → FLAIR | Theirs"},
                {"label": "T1 → FLAIR | Ours", "experiment": "fcn"},
            ],
            "columns": ["psnr"],
            "marks": {"against": "voxels"},
        }
    ).model_dump(mode="json", exclude_none=True)
    plan["study"]["tables"] = {"Table2": described}
    images.write_json(layout.PLAN, plan)
    cells = {"T1 → FLAIR | Theirs": {"PSNR (dB)": "**30.1**"}}
    asked = {
        "table": described,
        "region": "brain",
        "truth": "manual",
        "given": "given masks",
        "by_slice": False,
        "inputs": {"fcn": ["T1w"]},
    }
    asked["published"] = {"source": "A paper, Table 2", "legend": "Bold: the best.", "cells": cells}
    output = Path(layout.fill(layout.TABLE, table="Table2"))
    scores = {"metrics": layout.METRICS, "statistics": layout.STATISTICS}
    table(
        **{name: [Path(file)] for name, file in scores.items()},
        specification=json.dumps(asked),
        output=output,
    )
    index(
        plan=Path(layout.PLAN),
        metrics=Path(layout.METRICS),
        summary=Path(layout.SUMMARY),
        ranks=Path(layout.RANKS),
        statistics=Path(layout.STATISTICS),
        page=Path(layout.REPORT),
        own=[output],
    )
    section = Path(layout.REPORT).read_text().partition('id="own"')[2].partition("</section>")[0]
    notes = json.loads(Path(layout.fill(layout.TABLE_NOTES, table="Table2")).read_text())["Notes"]
    shown = [re.sub("</?code>", "`", unescape(note)) for note in re.findall("<li>(.*?)</li>", section)]
    assert shown == notes
    assert {"Peaks differ; see `psnr`.", "Bold: the best."} <= set(notes)
    assert "<li>Peaks differ; see <code>psnr</code>.</li>" in section
    assert any("so no * can appear" in note for note in notes)
    assert re.findall(r"<th\b[^>]*>(.*?)</th>", section) == [
        *("Translation", "Study", "PSNR (dB)"),
        *("T1 → FLAIR", "Theirs", "", "Ours"),
    ]
    assert '<span class="soft published best">[30.1]</span>' in section
