"""Tokens to the tree of one expression.

Precedence, loosest first: OR, AND, comparison, `+ -`, `* / %`, unary. NOT binds as far as a comparison, minus to its
operand only. Inside `AND (…)` and `OR (…)` a comma, a new line or the begin of another operand ends an item.
"""

from __future__ import annotations

from collections.abc import Callable

from headwater.expressions.errors import ExpressionError
from headwater.expressions.functions import find_function
from headwater.expressions.functions.registry import argument_problem
from headwater.expressions.lexer import Lexer, Token, TokenKind
from headwater.expressions.tree import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Exists,
    Field,
    Group,
    Include,
    ListLiteral,
    Literal,
    Logic,
    MatchAll,
    Minus,
    Node,
    in_parentheses,
    negate,
)

NESTING_LIMIT = 64
"""Deepest nesting of parentheses, groups, negations and calls: far beyond what people write, within Python's stack."""
NODE_LIMIT = 100_000
"""Most nodes in one text."""

_OR = ("or", "||")
_AND = ("and", "&&")
_NOT = ("not", "!")
_COMPARISONS = {
    "=": "==", "==": "==", "!=": "!=", "<>": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=",
    "like": "like", "contains": "contains",
}  # fmt: skip
_MEMBERSHIPS = ("in", "intersects")
_OPERATORS = frozenset({*_COMPARISONS, *_MEMBERSHIPS, "between", "is"})
_SUMS = ("+", "-")
_PRODUCTS = ("*", "/", "%")
RESERVED = frozenset({
    "filter", "select", "from", "limit", "with", "alias", "and", "or", "not", "exists", "in", "intersects", "contains",
    "like", "between", "include", "is", "null", "true", "false", "where", "update", "insert", "delete",
})  # fmt: skip
_NAME_KINDS = (TokenKind.WORD, TokenKind.NAME, TokenKind.SINGLE)
_DIGIT_NAMES = (*_NAME_KINDS, TokenKind.DIGIT_WORD)


class ExpressionParser:
    """Reads expressions from a sequence of tokens.

    `single_quotes_are_text` is set where mappings are read: there `'x'` is a text; in a filter it is a name.
    """

    def __init__(self, text: str, single_quotes_are_text: bool = False) -> None:
        self.text = text
        self._lexer = Lexer(text)
        self._tokens: list[Token] = []
        self._place = 0
        self.single_quotes_are_text = single_quotes_are_text
        self._newline_ends_item = False
        self._depth = 0
        self._nodes = 0

    # --- tokens

    @property
    def description(self) -> str:
        """What the comments before the first token say."""
        return self._lexer.description

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one further on; END beyond the end."""
        wanted = self._place + ahead
        while len(self._tokens) <= wanted:
            self._tokens.append(self._lexer.next())
        return self._tokens[wanted]

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.peek()
        self._place += 1
        return token

    def accept(self, *words: str) -> Token | None:
        """The next token if it is one of these keywords or symbols."""
        return self.take() if self.peek().lower in words else None

    def expect(self, symbol: str, why: str) -> Token:
        """The next token, which must be this keyword or symbol. Raises ExpressionError."""
        token = self.peek()
        if token.lower != symbol:
            raise self.unexpected(f"{symbol.upper()!r} {why}")
        return self.take()

    def error(self, message: str, token: Token | None = None) -> ExpressionError:
        """An error at a token, the next one by default."""
        return ExpressionError(message, self.text, (token or self.peek()).at)

    def unexpected(self, expected: str) -> ExpressionError:
        """An error that says what should stand where the next token stands."""
        token = self.peek()
        found = "the text ends" if token.kind is TokenKind.END else f"found {token.text!r}"
        return self.error(f"expected {expected}, but {found}")

    def name(self, what: str, may_begin_with_digit: bool = False) -> Token:
        """A name: bare or in quotes. Raises ExpressionError."""
        token = self.peek()
        if may_begin_with_digit and token.kind is TokenKind.NUMBER and _is_name_like(token.text):
            return self.take()._replace(value=token.text)
        if token.kind not in (_DIGIT_NAMES if may_begin_with_digit else _NAME_KINDS):
            raise self.unexpected(what)
        if token.lower in RESERVED:
            raise self.error(f"{token.text!r} is a reserved word; as {what} it must stand in backticks: `{token.text}`")
        return self.take()

    # --- expressions

    def filter(self) -> Node:
        """A whole filter: `*`, `match_all` or an expression."""
        token = self.peek()
        if token.lower in ("*", "match_all"):
            self.take()
            return MatchAll(text=token.value, at=token.at)
        return self.logic()

    def logic(self) -> Node:
        """Operands joined with AND and OR."""
        alternatives: list[Node] = []
        conjuncts = [self.comparison()]
        typed_or, typed_and = "", ""
        while True:
            token = self.peek()
            if self._item_ends() or (token.lower in _AND and self._begins_item()):
                break
            if token.lower in _AND:
                self.take()
                typed_and = typed_and or token.text
                conjuncts.append(self.comparison())
            elif token.lower in _OR:
                self.take()
                typed_or = typed_or or token.text
                alternatives.append(self._joined("and", conjuncts, typed_and))
                conjuncts, typed_and = [self.comparison()], ""
            else:
                break
        last = self._joined("and", conjuncts, typed_and)
        return self._joined("or", [*alternatives, last], typed_or)

    def _joined(self, op: str, operands: list[Node], typed: str) -> Node:
        if len(operands) == 1:
            return operands[0]
        return self._counted(Logic(op=op, operands=tuple(operands), typed=typed, at=operands[0].at))

    def comparison(self) -> Node:
        """An operand, with the comparisons that follow it."""
        with _Nesting(self):
            left = self.arithmetic()
            negation = None
            if not self._item_ends() and self.peek().lower == "not":
                negation = self.take()
                if self.peek().lower not in _OPERATORS:
                    return negate(left, negation.at)
            steps = 0
            while not self._item_ends() and self.peek().lower in _OPERATORS:
                left = self._compared(left)
                steps += 1
                if steps > NESTING_LIMIT:
                    raise self.error(f"more than {NESTING_LIMIT} comparisons in a row: join them with AND or OR")
            return left if negation is None else negate(left, negation.at)

    def _compared(self, left: Node) -> Node:
        token = self.take()
        word = token.lower
        if word == "between":
            return self._between(left, token)
        if word == "is":
            return self._is(left, token)
        if word in _MEMBERSHIPS:
            return self._counted(
                Comparison(op=word, left=left, right=self._members(word), typed=token.text, at=token.at)
            )
        right = self.arithmetic()
        return self._counted(Comparison(op=_COMPARISONS[word], left=left, right=right, typed=token.text, at=token.at))

    def _between(self, subject: Node, token: Token) -> Node:
        outer, self._newline_ends_item = self._newline_ends_item, False
        low = self.arithmetic()
        self.expect("and", "between the two bounds of BETWEEN")
        self._newline_ends_item = outer
        return self._counted(Between(subject=subject, low=low, high=self.arithmetic(), at=token.at))

    def _is(self, left: Node, token: Token) -> Node:
        if self.accept("not"):
            right = self.arithmetic()
            return self._counted(Comparison(op="!=", left=left, right=right, typed="!=", at=token.at))
        if not self.accept("null"):
            raise self.unexpected("NULL or NOT after IS")
        return negate(self._counted(Exists(operand=left, at=token.at)), token.at)

    def _members(self, word: str) -> Node:
        """What may follow IN and INTERSECTS: a list, a field or a call; after IN also `[…]` or one text."""
        token = self.peek()
        if token.lower == "(":
            return self._list()
        only_in = token.lower == "[" or token.kind is TokenKind.STRING
        if (only_in and word == "in") or (token.kind in _NAME_KINDS and token.lower not in RESERVED):
            return self.base()
        raise self.unexpected(f'a list like ("a", "b") or a field after {word.upper()}')

    def arithmetic(self) -> Node:
        """Operands joined with + - * / %."""
        left = self._product()
        steps = 0
        while not self._item_ends() and self.peek().lower in _SUMS:
            token = self.take()
            left = self._counted(Arithmetic(op=token.lower, left=left, right=self._product(), at=token.at))
            steps = self._step(steps)
        return left

    def _product(self) -> Node:
        left = self.unary()
        steps = 0
        while not self._item_ends() and self.peek().lower in _PRODUCTS:
            token = self.take()
            left = self._counted(Arithmetic(op=token.lower, left=left, right=self.unary(), at=token.at))
            steps = self._step(steps)
        return left

    def _step(self, steps: int) -> int:
        if steps >= NESTING_LIMIT:
            raise self.error(f"more than {NESTING_LIMIT} calculations in a row")
        return steps + 1

    def unary(self) -> Node:
        """A negation, a sign, EXISTS, a group, or a plain operand."""
        token = self.peek()
        word = token.lower
        if word in _NOT and not self._is_function_not():
            self.take()
            return negate(self.comparison(), token.at)
        if word == "-":
            self.take()
            with _Nesting(self):
                return self._counted(Minus(operand=self.unary(), at=token.at))
        if word == "exists":
            self.take()
            return self._counted(Exists(operand=self.base(), at=token.at))
        if word in ("and", "or"):
            return self._group()
        return self.base()

    def _is_function_not(self) -> bool:
        """In a mapping `not(x)`, without a blank, is the function, which converts its argument."""
        token, after = self.peek(), self.peek(1)
        return self.single_quotes_are_text and token.text == "not" and after.lower == "(" and after.at == token.at + 3

    def _group(self) -> Node:
        token = self.take()
        if self.peek().lower != "(":
            raise self.unexpected(f"'(' after {token.text.upper()} at the begin of an item")
        self.take()
        outer, self._newline_ends_item = self._newline_ends_item, True
        with _Nesting(self):
            items = self._items()
        self._newline_ends_item = outer
        if len(items) == 1:
            return items[0]
        return self._counted(Group(op=token.lower, items=tuple(items), typed=token.text, at=token.at))

    def _items(self) -> list[Node]:
        items: list[Node] = []
        while True:
            while self.accept(","):
                pass
            if self.accept(")"):
                return items
            if items and not self._item_may_begin():
                raise self.unexpected("a comma, a new line or ')' after an item")
            items.append(self.logic())

    def _item_may_begin(self) -> bool:
        token = self.peek()
        before = self._tokens[self._place - 1]
        if token.newline or before.lower == ",":
            return True
        return token.kind not in (TokenKind.SYMBOL, TokenKind.END) or token.lower in ("(", "[", "!", "-")

    def _item_ends(self) -> bool:
        """Whether the next token is on a new line inside a group, and so belongs to the next item."""
        return self._newline_ends_item and self.peek().newline

    def _begins_item(self) -> bool:
        """Inside a group AND before a parenthesis is the begin of another group."""
        return self._newline_ends_item and self.peek(1).lower == "("

    # --- operands

    def base(self) -> Node:
        """A literal, field, list, call, include or parenthesis."""
        token = self.peek()
        plain = _PLAIN.get(token.kind)
        if token.value in _INFINITE:
            raise self.error(f"the number {token.text} is too large")
        if plain is not None:
            return self._counted(plain(self.take()))
        if token.kind is TokenKind.SINGLE and self.single_quotes_are_text:
            return self._counted(_text(self.take()))
        if token.lower in _WORDS:
            return self._counted(_WORDS[token.lower](self.take()))
        if token.lower == "include":
            return self.include()
        if token.lower == "(":
            return self._parenthesis()
        if token.lower == "[":
            return self._bracket_list()
        if token.kind in _NAME_KINDS:
            called = token.kind is TokenKind.WORD and self.peek(1).lower == "(" and not self.peek(1).newline
            if called and (token.lower not in RESERVED or find_function(token.lower)):
                return self._call()
            return self._field()
        if token.kind is TokenKind.DIGIT_WORD:
            raise self.error(
                f"{token.text!r} is neither a number nor a name: write 7 or 7.5, put blanks around operators, "
                "and names that begin with a digit in backticks"
            )
        raise self.unexpected("a field, a value or '('")

    def include(self) -> Node:
        """`INCLUDE name`."""
        start = self.take()
        token = self.name("the name of a filter", may_begin_with_digit=True)
        return self._counted(Include(name=token.value, quoted=token.kind is not TokenKind.WORD, at=start.at))

    def _parenthesis(self) -> Node:
        self.take()
        outer, self._newline_ends_item = self._newline_ends_item, False
        with _Nesting(self):
            inner = self.logic()
        self.expect(")", "to close a parenthesis")
        self._newline_ends_item = outer
        return in_parentheses(inner)

    def _field(self) -> Node:
        token = self.name("a field")
        quoted = token.kind is not TokenKind.WORD
        following = self.peek()
        # `a b`.`c d`: the dot begins a word that is glued to the first name.
        if following.text == "." and following.at == token.at + len(token.text):
            self.take()
            key = self.name("the key of a map")
            return self._counted(
                Field(name=f"{token.value}.{key.value}", map_name=token.value, key=key.value, quoted=True, at=token.at)
            )
        if quoted and following.kind is TokenKind.WORD and following.text.startswith(".") and _glued(token, following):
            key = self.take()
            return self._counted(
                Field(name=token.value + key.value, map_name=token.value, key=key.value[1:], quoted=True, at=token.at)
            )
        if token.value.endswith(".") and not quoted and following.kind is TokenKind.NAME and _glued(token, following):
            key = self.take()
            owner = token.value[:-1]
            return self._counted(
                Field(name=f"{owner}.{key.value}", map_name=owner, key=key.value, quoted=True, at=token.at)
            )
        owner, dot, key_name = token.value.partition(".")
        path = bool(dot and owner and key_name)
        return self._counted(
            Field(
                name=token.value,
                map_name=owner if path else None,
                key=key_name if path else "",
                quoted=quoted,
                at=token.at,
            )
        )

    def _call(self) -> Node:
        token = self.take()
        args = list(self._sequence(commas=True))
        node = Call(name=token.value, args=tuple(args), at=token.at)
        spec = find_function(token.value)
        problem = None if spec is None else argument_problem(spec, node.args)
        if problem is not None:
            raise self.error(problem, token)
        return self._counted(node)

    def _list(self) -> Node:
        start = self.peek()
        return self._counted(ListLiteral(items=tuple(self._sequence(commas=False)), at=start.at))

    def _sequence(self, commas: bool) -> list[Node]:
        """What stands in parentheses after a function's name, or as a list. In a list commas may be left out."""
        self.expect("(", "")
        outer, self._newline_ends_item = self._newline_ends_item, False
        nodes: list[Node] = []
        with _Nesting(self):
            while not self.accept(")"):
                if nodes:
                    self._separator(commas)
                nodes.append(self._cast_type() if self._at_cast_type(nodes) else self.logic())
        self._newline_ends_item = outer
        return nodes

    def _separator(self, required: bool) -> None:
        if self.accept(",") or not required or self.peek().lower == "as":
            return
        raise self.unexpected("a comma or ')'")

    def _at_cast_type(self, nodes: list[Node]) -> bool:
        return len(nodes) == 1 and self.peek().lower == "as" and self.peek(1).kind is TokenKind.WORD

    def _cast_type(self) -> Node:
        self.take()
        token = self.take()
        return self._counted(Literal(value=token.value, at=token.at))

    def _bracket_list(self) -> Node:
        start = self.take()
        items: list[Node] = []
        while not self.accept("]"):
            if items:
                self.expect(",", "between the values of a list")
            sign = self.accept("-")
            value = self.base()
            if not isinstance(value, Literal):
                raise self.error('a list in square brackets holds only plain values; use ("a", b) after IN', start)
            items.append(value if sign is None else Minus(operand=value, at=sign.at))
        return self._counted(ListLiteral(items=tuple(items), bracket=True, at=start.at))

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODE_LIMIT:
            raise self.error(f"more than {NODE_LIMIT:,} parts: split the filter with INCLUDE")
        return node


def _is_name_like(typed: str) -> bool:
    """Some names read like numbers, such as `61e24`; a name is never all digits."""
    return typed.isalnum() and not typed.isdigit()


def _glued(first: Token, second: Token) -> bool:
    return second.at == first.at + len(first.text)


class _Nesting:
    """Counts one level of nesting while it is entered."""

    __slots__ = ("_parser",)

    def __init__(self, parser: ExpressionParser) -> None:
        self._parser = parser

    def __enter__(self) -> None:
        self._parser._depth += 1
        if self._parser._depth > 2 * NESTING_LIMIT:
            raise self._parser.error(f"nested more than {NESTING_LIMIT} levels deep: split the filter with INCLUDE")

    def __exit__(self, *_: object) -> None:
        self._parser._depth -= 1


def _text(token: Token) -> Node:
    return Literal(value=token.value, at=token.at)


def _number(token: Token) -> Node:
    return Literal(value=token.value, text=token.text, at=token.at)


_INFINITE = (float("inf"),)
_PLAIN: dict[TokenKind, Callable[[Token], Node]] = {TokenKind.STRING: _text, TokenKind.NUMBER: _number}
_WORDS: dict[str, Callable[[Token], Node]] = {
    "true": lambda token: Literal(value=True, at=token.at),
    "false": lambda token: Literal(value=False, at=token.at),
    "null": lambda token: Literal(value=None, at=token.at),
}

__all__ = ["NESTING_LIMIT", "NODE_LIMIT", "RESERVED", "ExpressionParser"]
