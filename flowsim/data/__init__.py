"""Tables and published figures that ship with flowsim, read and checked."""
