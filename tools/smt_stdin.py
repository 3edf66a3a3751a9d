"""Speaks the SMT-LIB conversation of cvc5's own command line over standard input and output.

The Python package of cvc5 brings the library without that command line. Only what a prover needs is here: read one
command at a time, answer at once, forget everything at `(reset)`. Each question has a time limit of its own
(`--tlimit`, in milliseconds); the command line's own limit of that name would count for the whole process.
"""

import re
import sys

import cvc5

# Not options of the library: which language, and what is answered below.
ASIDE = {"lang", "version"}
# What makes brackets count for nothing; most lines have none of it and need not be read mark by mark.
MARKS = re.compile(r'["|;]')
# Commands that somebody waits for; the others are kept until one of these comes, because crossing into the library costs.
AWAITED = ("(check", "(get", "(echo", "(reset", "(exit")


def settings(arguments):
    """The options that are handed to the library, in order."""
    for argument in arguments:
        if not argument.startswith("--"):
            continue
        name, _, value = argument[2:].partition("=")
        if name not in ASIDE:
            yield ("tlimit-per" if name == "tlimit" else name, value or "true")


class Conversation:
    """One solver from one `(reset)` to the next; terms and all go with it, so memory is given back."""

    def __init__(self, options):
        self.terms = cvc5.TermManager()
        self.solver = cvc5.Solver(self.terms)
        for name, value in options:
            self.solver.setOption(name, value)
        self.symbols = cvc5.SymbolManager(self.terms)
        self.parser = cvc5.InputParser(self.solver, self.symbols)
        self.parser.setIncrementalStringInput(cvc5.InputLanguage.SMT_LIB_2_6, "stdin")

    def tell(self, commands):
        """Runs whole commands and yields their answers, which are empty for most."""
        self.parser.appendIncrementalStringInput("".join(commands))
        # Not until there is none: at its end the parser closes the input.
        for _ in commands:
            answer = str(self.parser.nextCommand().invoke(self.solver, self.symbols))
            # The library adds a reason in brackets; the protocol knows the bare word only.
            yield "unknown\n" if answer.startswith("unknown") else answer


class Reader:
    """Cuts lines into whole commands: brackets inside strings, quoted names and comments do not count."""

    def __init__(self):
        self.text, self.depth, self.within, self.blank = "", 0, "", True

    def take(self, line):
        """One more line; the command when it is whole, else None. Every command ends with its line."""
        plain = not self.within and not MARKS.search(line)
        if plain:
            self.depth += line.count("(") - line.count(")")
            self.blank = self.blank and line.isspace()
        for mark in () if plain else line:
            if self.within:
                if mark == self.within:
                    self.within = ""
            elif mark in '"|':
                self.within = mark
            elif mark == ";":
                self.within = "\n"
            else:
                self.depth += (mark == "(") - (mark == ")")
                self.blank = self.blank and mark.isspace()
        self.text += line
        if self.within in ('"', "|") or self.depth > 0:
            return None
        command, blank = self.text, self.blank
        self.text, self.depth, self.within, self.blank = "", 0, "", True
        return None if blank else command


def main():
    if "--version" in sys.argv:
        print("This is cvc5 version", cvc5.__version__)
        return
    options = list(settings(sys.argv[1:]))
    conversation, reader, kept = Conversation(options), Reader(), []
    for line in sys.stdin:
        command = reader.take(line)
        if command is None:
            continue
        kept.append(command)
        bare = command.lstrip()
        if not bare.startswith(AWAITED):
            continue
        if bare.startswith("(exit"):
            return
        if bare.startswith("(reset)"):
            conversation, kept = Conversation(options), []
            continue
        try:
            for answer in conversation.tell(kept):
                sys.stdout.write(answer)
        except Exception as error:  # whatever it is, the state behind it is not to be trusted: say so and end
            told = str(error).replace('"', "'").replace("\n", " ")
            print(f'(error "Parse Error: {told}")', flush=True)
            sys.exit(1)
        sys.stdout.flush()
        kept = []


main()
