"""A plot of time against size of input as SVG: lines on two logarithmic axes."""

import math
import statistics

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 20, 48
COLOURS = ("#0b62a4", "#7a7a7a", "#c4491d", "#3b7d23", "#7b3fa0")
SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


class Axis:
    """Maps values between `least` and `most` to pixels, by their logarithm."""

    def __init__(self, least, most, begin, end):
        self.begin, self.end = begin, end
        self.low, self.high = math.log(least), math.log(most)

    def at(self, value):
        share = (math.log(value) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


def shown(number):
    return f"{number:g}"


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def text(x, y, what, anchor="middle", colour="#222"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{what}</text>'


def marks_around(values):
    """The marks of the axis of seconds: one below all values, one above, and those between."""
    below = max((mark for mark in SECONDS if mark <= min(values)), default=SECONDS[0])
    above = min((mark for mark in SECONDS if mark >= max(values)), default=SECONDS[-1])
    return [mark for mark in SECONDS if below <= mark <= above]


def draw(growth):
    """`growth`: program -> size in MiB -> seconds of each run. Returns the SVG's text."""
    medians = {name: sorted((int(mib), statistics.median(runs)) for mib, runs in sizes.items())
               for name, sizes in growth.items()}
    sizes = sorted({mib for points in medians.values() for mib, _ in points})
    marks = marks_around([seconds for points in medians.values() for _, seconds in points])
    x = Axis(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT)
    y = Axis(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for mark in marks:
        parts.append(line(LEFT, y.at(mark), WIDTH - RIGHT, y.at(mark), "#ddd"))
        parts.append(text(LEFT - 8, y.at(mark) + 4, f"{shown(mark)} s", "end"))
    for mib in sizes:
        parts.append(line(x.at(mib), TOP, x.at(mib), HEIGHT - BOTTOM, "#eee"))
        parts.append(text(x.at(mib), HEIGHT - BOTTOM + 20, shown(mib)))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "input in MiB"))
    for colour, (name, points) in zip(COLOURS, medians.items()):
        places = [(x.at(mib), y.at(seconds)) for mib, seconds in points]
        joined = " ".join(f"{px},{py}" for px, py in places)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        parts += [f'<circle cx="{px}" cy="{py}" r="3" fill="{colour}"/>' for px, py in places]
        parts.append(text(places[-1][0] + 8, places[-1][1] + 4, name, "start", colour))
    return "\n".join([*parts, "</svg>", ""])
