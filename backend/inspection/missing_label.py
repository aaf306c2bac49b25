"""Objects that nobody gave a label."""

from __future__ import annotations

from backend.inspection.base import Issue, PlainRule, Subject


class MissingLabel(PlainRule):
    """Looks for objects without a label, or with one that cannot be chosen any more."""

    name = "missing-label"
    higher_is_worse_because = "it has no label at all, rather than one that cannot be chosen any more"

    def inspect(self, subject: Subject) -> list[Issue]:
        """One issue for each such object; see the base class."""
        issues = []
        for drawn in subject.objects:
            name = drawn.region.class_name
            if subject.classes and name not in subject.classes:
                severity, message = 0.7, "The object has a label that the labelling config does not have."
                if not name:
                    severity, message = 0.9, "The object has no label."
                issues.append(Issue(self.name, severity, message, (drawn.id,), drawn.region.box))
        return issues
