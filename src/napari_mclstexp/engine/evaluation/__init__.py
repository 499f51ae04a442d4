"""Contenders on the same folds, genes and scaling, beside the noise ceiling; knows no screen."""
