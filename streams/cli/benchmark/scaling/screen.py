"""What a person sees of a course: the bar of the run at hand under a line for each that is over."""

from streams.cli.benchmark.screen import TerminalScreen


class CourseScreen(TerminalScreen):
    """The benchmark's screen, with lines of the course's own."""

    def tell(self, line: str) -> None:
        """One line."""
        self.console.print(line)
