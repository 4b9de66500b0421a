"""Plots of what work costs against its size as SVG: lines on two logarithmic axes."""

import math
import statistics

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 20, 48
COLOURS = ("#0b62a4", "#7a7a7a", "#c4491d", "#3b7d23", "#7b3fa0")
# What is marked on the upright axis.
MARKS = tuple(step * 10 ** power for power in range(-2, 5) for step in (1, 2, 5))


class Axis:
    """Maps values between `least` and `most` to pixels, by their logarithm."""

    def __init__(self, least, most, begin, end):
        self.begin, self.end = begin, end
        self.low, self.high = math.log(least), math.log(most)

    def at(self, value):
        share = (math.log(value) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


def shown(number):
    return f"{number:,g}" if number < 1e6 else f"{number / 1e6:g}M"


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def text(x, y, what, anchor="middle", colour="#222"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{what}</text>'


def marks_around(values):
    """The marks of an axis: one below all values, one above, and those between."""
    below = max((mark for mark in MARKS if mark <= min(values)), default=MARKS[0])
    above = min((mark for mark in MARKS if mark >= max(values)), default=MARKS[-1])
    return [mark for mark in MARKS if below <= mark <= above]


def draw(growth):
    """`growth`: program -> size in MiB -> seconds of each run. Returns the SVG's text."""
    medians = {name: sorted((int(mib), statistics.median(runs)) for mib, runs in sizes.items())
               for name, sizes in growth.items()}
    return draw_lines(medians, "input in MiB", "s")


def draw_lines(lines, title, unit):
    """`lines`: name -> points (size, value), by size. `title` is of the lower axis, `unit` of the
    other. Returns the SVG's text."""
    sizes = sorted({size for points in lines.values() for size, _ in points})
    marks = marks_around([value for points in lines.values() for _, value in points])
    x = Axis(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT)
    y = Axis(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for mark in marks:
        parts.append(line(LEFT, y.at(mark), WIDTH - RIGHT, y.at(mark), "#ddd"))
        parts.append(text(LEFT - 8, y.at(mark) + 4, f"{shown(mark)} {unit}", "end"))
    for size in sizes:
        parts.append(line(x.at(size), TOP, x.at(size), HEIGHT - BOTTOM, "#eee"))
        parts.append(text(x.at(size), HEIGHT - BOTTOM + 20, shown(size)))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, title))
    for colour, (name, points) in zip(COLOURS, lines.items()):
        parts += curve([(x.at(size), y.at(value)) for size, value in points], name, colour)
    return "\n".join([*parts, "</svg>", ""])


def curve(places, name, colour):
    joined = " ".join(f"{px},{py}" for px, py in places)
    return [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *(f'<circle cx="{px}" cy="{py}" r="3" fill="{colour}"/>' for px, py in places),
            text(places[-1][0] + 8, places[-1][1] + 4, name, "start", colour)]
