"""How likely each condition is for whom, so that prevalence by age comes out as stated whatever raises the odds.

A person's profile is the age cell, the sex, and four risks: obese, smoker, heavy drinker, housing insecure. A
condition's own rate is a base rate of its age group times the multipliers of the profile's risks, at most
`highest_risk`. Comorbidity rules then add conditions to those who have others, in the order of their dependence, so
that what a rule adds may in turn be what another rule is given. The base rates are found, condition by condition in
that order, such that rules and base rate together give the stated prevalence in the group: the odds rise for some,
the prevalence does not.

What is stated: the headline conditions have the catalogue's prevalence. The others have it times a factor of the age
group, so that a member has as many conditions as the stated mean; but never less than the rules alone add, else the
rules would not hold. Where rules alone would add more than the catalogue's prevalence, they are weakened in the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.insurance.body import Bodies
from payerlake.insurance.lifestyle import Lifestyles
from payerlake.insurance.settings import BANDS, RISKS, SEXES, Comorbidity, Condition, InsuranceSettings, at_age
from payerlake.sampling.solving import Dependence, State, bisected

RISK_BITS = {"obese": 8, "smoker": 4, "drinker": 2, "housing_insecure": 1}  # of a combination
COMBINATIONS = 2 ** len(RISK_BITS)
PROFILES = len(SEXES) * COMBINATIONS  # of an age cell
_TOP_UPS = 25
_ROUNDS = 5  # of the scale of the others, which moves what the rules add, which moves the scale
_DIGITS = 10  # of a rate: sums of processors differ in the last ones, and who is alike must be so on all of them

_States = list[tuple[State, np.ndarray]]  # with how likely they are, by cell and profile


@dataclass(frozen=True)
class Rates:
    """The rates of one set of settings. cells: the age from which each begins.

    base[condition][cell][profile], profile = sex · 16 + combination; rules[rule][cell]: probabilities of the
    comorbidities in `order`; levels: conditions that rules add stand in a later one than all that the rules are given;
    final[condition][group]: the prevalence that comes out, by the age `groups` begin with; group_shares: of all people.
    """

    cells: tuple[int, ...]
    groups: tuple[int, ...]
    order: tuple[Comorbidity, ...]
    levels: tuple[tuple[str, ...], ...]
    base: np.ndarray
    rules: np.ndarray
    final: np.ndarray
    group_shares: np.ndarray

    @property
    def conditions_per_member(self) -> float:
        """How many conditions a member has, on average."""
        return float(self.final.sum(axis=0) @ self.group_shares)


@solved_once("population", "body", "lifestyle", "conditions")
def prevalence(settings: InsuranceSettings) -> Rates:
    """The rates of these settings; solved once for each. Raises BadInput where a prevalence cannot be reached."""
    return _Solver(settings).solve()


class _Solver:
    """Finds the base rates of one set of settings."""

    def __init__(self, settings: InsuranceSettings) -> None:
        self._conditions, self._used = settings.conditions, settings.conditions.used
        self._index = {condition.name: i for i, condition in enumerate(self._used)}
        self._cells = _cells(settings)
        self._groups = tuple(sorted({0} | {_band_start(band) for band in BANDS} | set(self._conditions.mean)))
        self._group_of = np.array([max(i for i, g in enumerate(self._groups) if g <= age) for age in self._cells])
        self._shares = _shares(settings, self._cells)
        self._weights = np.array([self._of_group(g).ravel() for g in range(len(self._groups))])
        rules = [rule for rule in self._conditions.comorbidities if {rule.adds, *rule.given} <= set(self._index)]
        given = {name: [g for rule in rules if rule.adds == name for g in rule.given] for name in self._index}
        self._dependence = Dependence(given, "conditions.comorbidities: rules add each other's conditions")
        # What a rule adds stands before the rules that are given it.
        self._order = tuple(rule for name in self._dependence.order for rule in rules if rule.adds == name)
        self._adding = {name: [r for r, rule in enumerate(self._order) if rule.adds == name] for name in self._index}
        self._multipliers = np.array([_multipliers(settings, c) for c in self._used])
        self._base = np.zeros((len(self._used), len(self._cells), PROFILES))
        self._had = np.zeros_like(self._base)  # of themselves, or by rules
        self._rules = np.zeros((len(self._order), len(self._cells)))

    def _of_group(self, group: int) -> np.ndarray:
        """The people of a group by cell and profile, as shares of the group."""
        people = self._shares * (self._group_of == group)[:, None]
        return people / max(people.sum(), 1e-300)

    def solve(self) -> Rates:
        """Scale the conditions that are not headlines until the means hold; what the rules add moves with it."""
        stated = np.array([[_stated(c, group) for group in self._groups] for c in self._used])
        headline = np.array([c.name in self._conditions.headline for c in self._used])
        means = np.array([at_age(self._conditions.mean, group) for group in self._groups])
        added = np.zeros_like(stated)
        for _ in range(_ROUNDS):
            targets = self._targets(stated, headline, means, added)
            added = self._pass(targets, stated)
        final = np.array([self._by_group(had) for had in self._had])
        group_shares = np.array([self._shares[self._group_of == g].sum() for g in range(len(self._groups))])
        base, rules = np.round(self._base, _DIGITS), np.round(self._rules, _DIGITS)
        levels = tuple(map(tuple, self._dependence.levels))
        return Rates(self._cells, self._groups, self._order, levels, base, rules, final, group_shares)

    def _targets(self, stated: np.ndarray, headline: np.ndarray, means: np.ndarray, added: np.ndarray) -> np.ndarray:
        """Headlines as stated; of the others as much as leaves the mean, and at least what the rules add."""

        def targets(scale: np.ndarray) -> np.ndarray:
            return np.where(headline[:, None], stated, np.minimum(stated, np.maximum(stated * scale, added)))

        least, most = np.full(len(means), self._conditions.least_scale), np.ones(len(means))
        return targets(bisected(lambda scale: targets(scale).sum(axis=0) > means, least, most))

    def _pass(self, targets: np.ndarray, stated: np.ndarray) -> np.ndarray:
        """Rules and base rates of every condition, those that rules are given first; what the rules alone add."""
        added = np.zeros_like(targets)
        for name in self._dependence.order:
            i, rules = self._index[name], [self._order[r] for r in self._adding[name]]
            states = list(self._dependence.states([g for rule in rules for g in rule.given], self._rate))
            # What tops up to a share adds less the more have the condition anyhow, and they are fewer the more it adds.
            for _ in range(_TOP_UPS if any(rule.to is not None for rule in rules) else 1):
                if rules:
                    self._weaken(name, states, stated[i])
                by_rules = self._by_rules(name, states)
                self._fit(i, targets[i], by_rules)
            self._had[i] = 1 - (1 - self._base[i]) * (1 - by_rules)
            added[i] = self._by_group(by_rules)
        return added

    def _weaken(self, name: str, states: _States, most: np.ndarray) -> None:
        """The rules' stated probabilities, less in groups where they alone would exceed the prevalence."""
        rules = self._adding[name]
        stated = np.array([self._probability(self._order[r]) for r in rules])

        def exceed(strength: np.ndarray) -> np.ndarray:
            self._rules[rules] = stated * strength[self._group_of]
            return self._by_group(self._by_rules(name, states)) > most

        none, whole = np.zeros(len(self._groups)), np.ones(len(self._groups))
        if exceed(whole).any():
            exceed(bisected(exceed, none, whole))

    def _probability(self, rule: Comorbidity) -> np.ndarray:
        """The rule's probability by cell, at the base rates found so far."""
        of_age = np.array(self._cells) >= rule.from_age
        if rule.probability is not None:
            return of_age * rule.probability
        assert rule.to is not None
        given = np.prod([self._had[self._index[name]] for name in rule.given], axis=0) * self._shares
        base = self._base[self._index[rule.adds]]
        own = (base * given).sum(axis=1) / np.maximum(given.sum(axis=1), 1e-300)
        return of_age * np.maximum(0.0, (rule.to - own) / (1 - own))

    def _fit(self, i: int, target: np.ndarray, by_rules: np.ndarray) -> None:
        """The base rate of each group with which base rate and rules give its target."""

        def base(rate: np.ndarray) -> np.ndarray:
            return np.minimum(rate[self._group_of][:, None] * self._multipliers[i], self._conditions.highest_risk)

        def reached(rate: np.ndarray) -> np.ndarray:
            return self._by_group(1 - (1 - base(rate)) * (1 - by_rules))

        most = reached(np.full(len(self._groups), 1e9))
        if (target > most + 1e-9).any():
            group = int(np.argmax(target - most))
            raise BadInput(
                f"conditions: {self._used[i].name} from age {self._groups[group]}: prevalence {target[group]:.3g}; "
                f"those who can have it are {most[group]:.3g} of the group; lower it, or raise conditions.highest_risk"
            )
        none, everyone = np.zeros(len(self._groups)), np.ones(len(self._groups))
        self._base[i] = base(bisected(lambda rate: reached(rate) > target, none, everyone))

    # what comes out, by cell and profile

    def _rate(self, name: str, has: State) -> np.ndarray:
        """How likely a condition is for those who have these."""
        return 1 - (1 - self._base[self._index[name]]) * self._not_added(name, has)

    def _by_rules(self, name: str, states: _States) -> np.ndarray:
        """The probability that some rule adds the condition, over all that its rules are given."""
        added = (likelihood * (1 - self._not_added(name, has)) for has, likelihood in states)
        return sum(added, np.zeros_like(self._shares))

    def _not_added(self, name: str, has: State) -> np.ndarray:
        """The probability, by cell, that no rule adds the condition to those who have these."""
        rules = [r for r in self._adding[name] if all(has[given] for given in self._order[r].given)]
        return (1 - self._rules[rules]).prod(axis=0)[:, None]

    def _by_group(self, rates: np.ndarray) -> np.ndarray:
        """The mean of rates by cell and profile over the people of each group."""
        return self._weights @ rates.ravel()


def _band_start(band: str) -> int:
    return int(band.split("-", maxsplit=1)[0].rstrip("+"))


def _stated(condition: Condition, age: int) -> float:
    return at_age(dict(zip(map(_band_start, BANDS), condition.prevalence, strict=True)), age)


def _cells(settings: InsuranceSettings) -> tuple[int, ...]:
    """The ages at which a rate, a mean, a rule or a risk changes."""
    conditions = settings.conditions
    ages = {_band_start(band) for band in BANDS} | set(conditions.mean) | {r.from_age for r in conditions.comorbidities}
    return tuple(sorted(ages | lifestyles(settings).ages()))


def _shares(settings: InsuranceSettings, cells: tuple[int, ...]) -> np.ndarray:
    """The shares of all people by cell and profile."""
    population, lives = settings.population, lifestyles(settings)
    bodies = bodies_of(settings)
    edges = [population.rank_of_age(age) for age in cells] + [1.0]
    shares = np.zeros((len(cells), PROFILES))
    for c, age in enumerate(cells):
        for sex, sex_share in enumerate(sex_shares(settings)):
            obese = bodies.obese_share(age, sex)
            risks = lives.risk_shares(age, sex)
            both = [share * p for share in (1 - obese, obese) for p in risks]
            begin = sex * COMBINATIONS
            shares[c, begin : begin + COMBINATIONS] = (edges[c + 1] - edges[c]) * sex_share * np.array(both)
    return shares


def _multipliers(settings: InsuranceSettings, condition: Condition) -> np.ndarray:
    """By profile, how many times as likely as for a woman or man without risks; 0 for those who cannot have it."""
    risks = settings.conditions.risks
    factors = {name: getattr(risks, name).get(condition.name, 1.0) for name in RISKS}
    by_profile = []
    for sex in SEXES:
        for combination in range(COMBINATIONS):
            value = factors["woman"] if sex == "F" else 1.0
            for name, bit in RISK_BITS.items():
                value *= factors[name] if combination & bit else 1.0
            other_sex = condition.sex not in ("", sex)
            not_obese = condition.name in settings.conditions.only_obese and not combination & RISK_BITS["obese"]
            by_profile.append(0.0 if other_sex or not_obese else value)
    return np.array(by_profile)


# what the parts share


def sex_shares(settings: InsuranceSettings) -> list[float]:
    """The population's shares in the order of SEXES; whoever is neither F nor M is O."""
    women, men = (settings.population.sex.get(sex, 0.0) for sex in SEXES[:2])
    return [women, men, max(0.0, 1.0 - women - men)]


def lifestyles(settings: InsuranceSettings) -> Lifestyles:
    """The lifestyles of these settings."""
    return Lifestyles(settings.lifestyle, sex_shares(settings))


def bodies_of(settings: InsuranceSettings) -> Bodies:
    """The bodies of these settings."""
    return Bodies(settings.body, settings.population.days_of_age(18))
