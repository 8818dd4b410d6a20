"""Ids of the eleven shared classes that the streets are labelled with."""

ROAD, SIDEWALK, WALL, FENCE, PERSON, POLE, VEGETATION, VEHICLE, SIGN, BUILDING, SKY = range(11)
IGNORE = 255
