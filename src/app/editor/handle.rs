//! The places that a box is resized by.

/// The eight places a box is resized by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// Top left corner.
    NorthWest,
    /// Top edge.
    North,
    /// Top right corner.
    NorthEast,
    /// Right edge.
    East,
    /// Bottom right corner.
    SouthEast,
    /// Bottom edge.
    South,
    /// Bottom left corner.
    SouthWest,
    /// Left edge.
    West,
}

impl Handle {
    /// All handles, clockwise from the top left.
    pub const ALL: [Handle; 8] = [
        Handle::NorthWest,
        Handle::North,
        Handle::NorthEast,
        Handle::East,
        Handle::SouthEast,
        Handle::South,
        Handle::SouthWest,
        Handle::West,
    ];

    /// A short name, as compasses have it.
    pub fn name(self) -> &'static str {
        match self {
            Handle::NorthWest => "nw",
            Handle::North => "n",
            Handle::NorthEast => "ne",
            Handle::East => "e",
            Handle::SouthEast => "se",
            Handle::South => "s",
            Handle::SouthWest => "sw",
            Handle::West => "w",
        }
    }

    /// The handle with this [`Handle::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handle| handle.name() == name)
    }

    pub(super) fn moves_north(self) -> bool {
        matches!(self, Handle::NorthWest | Handle::North | Handle::NorthEast)
    }

    pub(super) fn moves_south(self) -> bool {
        matches!(self, Handle::SouthWest | Handle::South | Handle::SouthEast)
    }

    pub(super) fn moves_west(self) -> bool {
        matches!(self, Handle::NorthWest | Handle::West | Handle::SouthWest)
    }

    pub(super) fn moves_east(self) -> bool {
        matches!(self, Handle::NorthEast | Handle::East | Handle::SouthEast)
    }
}
