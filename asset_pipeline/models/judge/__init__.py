"""A renderer as judge: how much of what a visitor would see a candidate file has changed."""

from asset_pipeline.models.judge.judge import Judge, JudgeFailed, JudgeUnavailable
from asset_pipeline.models.judge.scores import Scores, ViewPlan

__all__ = ["Judge", "JudgeFailed", "JudgeUnavailable", "Scores", "ViewPlan"]
