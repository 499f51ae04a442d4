"""Contenders on the same folds, genes and scaling, beside the noise ceiling; knows no screen."""

from .contest import evaluate
from .evaluation import Evaluation, Fold
from .files import write_evaluation
from .folds import make_folds
from .trust import write_trust

__all__ = ["Evaluation", "Fold", "evaluate", "make_folds", "write_evaluation", "write_trust"]
