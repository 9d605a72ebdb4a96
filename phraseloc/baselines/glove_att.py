"""``glove-att``: attention over words, without training (MAF, EMNLP 2020, Eq. 2, 3, 8; Table 5).

With h_k the vector of word k and l_m that of object m's label, a[k, m] is the softmax over objects
of h_k . l_m / sqrt(d), alpha_k the highest of a[k, m], beta the softmax of alpha over the phrase's
words, and object m scores (sum of beta_k h_k) . l_m.
"""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose the largest object of the label with the highest attended product."""
    from phraseloc.kernels.selection import attended_scores

    text, seen = task.text, task.labelled
    scale = text.labels.shape[1] ** -0.5
    rows = (text.offsets, text.words, seen.starts, seen.labels, seen.counts, task.images)
    scores = attended_scores(text.products, scale, *rows)
    return task.choose(task.best_labelled(scores))
