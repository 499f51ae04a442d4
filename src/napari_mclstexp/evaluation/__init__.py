"""Methods on the same folds, genes and scaling, beside the noise ceiling; knows no screen."""

from .evaluate import evaluate
from .evaluation_files import write_evaluation
from .evaluation_result import Evaluation, Fold, ProtocolResult
from .folds import make_folds
from .held_out_scores import write_trust

__all__ = [
    "Evaluation",
    "Fold",
    "ProtocolResult",
    "evaluate",
    "make_folds",
    "write_evaluation",
    "write_trust",
]
