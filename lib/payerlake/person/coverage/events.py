"""Qualifying events: why cover begins on another day than 1 January."""

from __future__ import annotations

from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.person.coverage.settings import HISTORICAL, TRANSITION, Seasons
from payerlake.sampling.distributions import choice_index, constant_array, integer, string_at
from payerlake.sampling.draws import Draws
from payerlake.sampling.packing import Fields

BIRTH, TURNED_65 = "BIRTH", "TURNED_65"
EVENT = Fields(month=4, event=27)  # the event by its position in `names`
_NEEDS_SPOUSE = "MARRIAGE"
_WINDOW = 60  # days after the event in which one may enroll: 45 CFR 155.420(c)


class Events:
    """The qualifying events of households whose key is in column `household`."""

    def __init__(self, seasons: Seasons, draws: Draws) -> None:
        self._seasons, self._draws = seasons, draws

    @cached_property
    def names(self) -> list[str]:
        """Names of the events that a household may have, turning 65 last."""
        return [*self._seasons.events, TURNED_65]

    @cached_property
    def _months(self) -> list[tuple[int, int, float, bool]]:
        """(event, month, weight, needs a spouse) for each cell that a household may draw."""
        return [
            (i, month, event.weight * weight / sum(event.months.values()), name == _NEEDS_SPOUSE)
            for i, (name, event) in enumerate(self._seasons.events.items())
            for month, weight in event.months.items()
        ]

    def drawn(self, occasion: str) -> Column:
        """Event and month of this occasion, packed as EVENT."""
        u = self._draws.uniform("coverage", "event", F.col("household"), draw=occasion)
        packed = constant_array([EVENT.pack(event=event, month=month) for event, month, _, _ in self._months], "int")
        anyone = choice_index(u, [0.0 if needs_spouse else weight for _, _, weight, needs_spouse in self._months])
        couples = choice_index(u, [weight for _, _, weight, _ in self._months])
        return F.get(packed, F.when(F.col("has_spouse"), couples).otherwise(anyone))

    @property
    def turned_65(self) -> Column:
        """The event of turning 65, packed as EVENT."""
        return F.lit(EVENT.pack(event=self.names.index(TURNED_65)))

    def occasions(self, members: DataFrame) -> DataFrame:
        """One row per cover of a member that began outside open enrollment, from the frame of `Members`.

        id, event_type, event_date, effective_date. Newborns are covered from birth; whoever turned 65 from the first of
        the next month; the rest from a first of the month at most 60 days after the event. A household shares event and
        day.
        """
        occasions = members.select(
            "id", "household", "birth_date", "all_are_65", F.explode(self._of_member()).alias("occasion")
        ).select("id", "household", "birth_date", "all_are_65", "occasion.*")
        event, effective = F.col("event_type"), F.col("effective_date")
        before = self._draws.uniform("coverage", "event_date", F.col("household"), effective)
        earlier = F.date_sub(effective, integer(before, 1, _WINDOW).cast("int"))
        day = F.when(event == BIRTH, F.col("birth_date")).when(event == TURNED_65, F.col("all_are_65"))
        return occasions.select("id", "event_type", day.otherwise(earlier).alias("event_date"), "effective_date")

    def _of_member(self) -> Column:
        """The member's occasions as an array of (event_type, effective_date)."""
        has_past = F.col("past_rows") > 0
        first_day = (
            F.when(has_past, F.col("first_day"))
            .when(F.col("scenario").isin(TRANSITION, HISTORICAL), F.col("last_start"))
            .otherwise(F.col("this_start"))
        )
        born = first_day == F.col("birth_date")
        first = F.when(born, BIRTH).when(has_past & F.col("first_event").isNotNull(), self._name(F.col("first_event")))
        changed = F.when(F.col("scenario") == TRANSITION, self._name(F.col("transition_event")))
        occasions = F.array(_occasion(first, first_day), _occasion(changed, F.col("new_start")))
        return F.filter(occasions, lambda occasion: occasion["event_type"].isNotNull())

    def _name(self, event: Column) -> Column:
        return string_at(self.names, EVENT.unpack("event", event))


def _occasion(event: Column, day: Column) -> Column:
    return F.struct(event.alias("event_type"), day.alias("effective_date"))
