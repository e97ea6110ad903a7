"""Who pays: the plans' shares at each age, by which they are as the weights say over all, as far as ages allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.finance.catalogue import SELF_PAY
from payerlake.finance.settings import SELF_PAY_PRODUCT, FinanceSettings, Plan, Product
from payerlake.person.coverage.plans import LINES_OF_BUSINESS
from payerlake.person.people import place_among
from payerlake.sampling.distributions import constant_array, integer_at, number_at, string_at, table_choice

_SWEEPS = 500
_DIGITS = 10


class Payers:
    """The plans of one set of settings and, last, the patients themselves (Self Pay)."""

    def __init__(self, settings: FinanceSettings) -> None:
        self._settings = settings
        self.names = [*settings.plans, SELF_PAY]
        self.self_pay = len(self.names) - 1
        self._products: list[tuple[int, str, Product]] = [
            (i, name, product)
            for i, plan in enumerate(settings.plans.values())
            for name, product in plan.products.items()
        ]
        self._products.append((self.self_pay, SELF_PAY_PRODUCT, Product(copay=0, weight=1)))
        self._shares = self._solved()

    # of a patient

    def product(self, u: Column, age: Column) -> Column:
        """The position (int) of a product, and with it of a plan, by age."""
        weights = [self._product_weights(of_age) for of_age in self._shares]
        return table_choice(u, place_among(self._ages, age), weights, range(len(self._products))).cast("int")

    def product_of(self, u: Column, line_of_business: Column) -> Column:
        """The position (int) of a product of this line of business; Self Pay of none, and of one that no plan has."""
        known = F.array_position(constant_array(list(LINES_OF_BUSINESS), "string"), line_of_business)
        weights = [self._of_line(line) for line in (None, *LINES_OF_BUSINESS)]
        return table_choice(u, F.coalesce(known.cast("int"), F.lit(0)), weights, range(len(self._products))).cast("int")

    def _of_line(self, line: str | None) -> list[float]:
        """The weights of the products, by those of their plans."""
        plans = [*[plan.weight for plan in self._settings.plans.values()], 0.0]
        totals = [math.fsum(p.weight for at, _, p in self._products if at == i) for i in range(len(plans))]
        weights = [
            plans[plan] * product.weight / totals[plan] if line in product.lines else 0.0
            for plan, _, product in self._products
        ]
        return weights if any(weights) else [*[0.0] * (len(weights) - 1), 1.0]

    def plan(self, product: Column) -> Column:
        """The position (int) of the product's plan in `names`."""
        return integer_at([plan for plan, _, _ in self._products], product)

    def plan_name(self, product: Column) -> Column:
        return string_at([self.names[plan] for plan, _, _ in self._products], product)

    def product_code(self, product: Column) -> Column:
        return string_at([name for _, name, _ in self._products], product)

    def copay_cents(self, product: Column) -> Column:
        """What the patient pays of a claim (int, cents)."""
        return integer_at([round(product.copay * 100) for _, _, product in self._products], product)

    # of a plan

    def capitation(self, plan: Column) -> Column:
        """How many times the rate a plan pays (double); Self Pay nothing."""
        return number_at([*[plan.capitation for plan in self._settings.plans.values()], 0.0], plan)

    def allowed(self, u: Column, plan: Column) -> Column:
        """The part (double) of a charge that is allowed."""
        ranges = [*[plan.allowed for plan in self._settings.plans.values()], self._settings.self_pay.allowed]
        low, width = [low for low, _ in ranges], [high - low for low, high in ranges]
        return number_at(low, plan) + number_at(width, plan) * u

    # shares by age

    @cached_property
    def _ages(self) -> list[int]:
        """The ages at which a plan's members begin or end."""
        first, last = self._settings.ages
        plans = self._settings.plans.values()
        cuts = {first, *(plan.from_age for plan in plans), *(plan.to_age + 1 for plan in plans)}
        return sorted(age for age in cuts if first <= age <= last)

    def _product_weights(self, of_age: Sequence[float]) -> list[float]:
        totals = [math.fsum(product.weight for at, _, product in self._products if at == i) for i in range(len(of_age))]
        return [of_age[plan] * product.weight / totals[plan] for plan, _, product in self._products]

    def _solved(self) -> list[list[float]]:
        """By age, the shares of the plans and of Self Pay, which has its own at every age: iterative proportional
        fitting of the plans' weights and the ages' shares, the ages last, since people are as old as they are."""
        plans, alone = list(self._settings.plans.values()), self._settings.self_pay.share
        edges = [*[self._settings.population.rank_of_age(age) for age in self._ages], 1.0]
        of_ages = [(high - low) / (edges[-1] - edges[0]) for low, high in pairwise(edges)]
        total = math.fsum(plan.weight for plan in plans)
        of_plans = [plan.weight / total for plan in plans]
        table = [[_start(plan, age) for plan in plans] for age in self._ages]
        for _ in range(_SWEEPS):
            for j, want in enumerate(of_plans):
                have = math.fsum(row[j] for row in table)
                for row in table:
                    row[j] *= want / have if have else 0.0
            for i, want in enumerate(of_ages):
                have = math.fsum(table[i])
                if want and not have:
                    raise BadInput(f"plans: none covers patients of {self._ages[i]} years; let one, or set its outside")
                table[i] = [share * want / have if have else share for share in table[i]]
        return [
            [*[round(share / (want or 1.0) * (1 - alone), _DIGITS) for share in row], alone if want else 1.0]
            for row, want in zip(table, of_ages, strict=True)
        ]


def _start(plan: Plan, age: int) -> float:
    is_member = plan.from_age <= age <= plan.to_age
    return (1.0 if is_member else plan.outside) if plan.weight > 0 else 0.0


@solved_once("population", "plans", "self_pay")
def payers(settings: FinanceSettings) -> Payers:
    """The payers of these settings; their shares are solved once for each."""
    return Payers(settings)
