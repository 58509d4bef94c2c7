"""The logs of services."""

from authstack.layout import Layout
from authstack.logs import Tail


def test_each_line_is_shown_once_and_only_when_it_is_complete(layout: Layout) -> None:
    log = layout.log("bridge")
    log.write_text("one\ntwo\nthr")
    tail = Tail(log)
    assert list(tail.new_lines()) == ["one", "two"]
    assert list(tail.new_lines()) == []
    with log.open("a") as file:
        file.write("ee\nfour\n")
    assert list(tail.new_lines()) == ["three", "four"]
    tail.close()


def test_what_is_not_text_does_not_stop_it(layout: Layout) -> None:
    layout.log("bridge").write_bytes(b"\xff\xfe\n")
    tail = Tail(layout.log("bridge"))
    assert list(tail.new_lines()) == ["\ufffd\ufffd"]
    tail.close()
