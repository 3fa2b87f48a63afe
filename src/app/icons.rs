//! The icons, drawn for this page: one path each on a 20 by 20 grid.

use leptos::prelude::*;

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Open a photo.
    Open,
    /// Take a photo.
    Camera,
    /// Find the digits.
    Find,
    /// One step back.
    Undo,
    /// One step forward.
    Redo,
    /// Zoom in.
    Plus,
    /// Zoom out.
    Minus,
    /// Before and after.
    Compare,
    /// Two pictures side by side.
    Beside,
    /// Look at the original.
    Eye,
    /// Look inside the network.
    Look,
    /// Save.
    Save,
    /// Delete.
    Trash,
    /// Close.
    Close,
    /// Something to know.
    Info,
    /// Something is wrong.
    Warning,
    /// Something is done.
    Check,
    /// Stays on this machine.
    Lock,
    /// The keys.
    Keyboard,
    /// Light or dark.
    Theme,
    /// Paints.
    Brush,
    /// Removes a digit.
    Eraser,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Icon::Open => {
                "M3 15V5.5A1.5 1.5 0 0 1 4.5 4h11A1.5 1.5 0 0 1 17 5.500V15a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 3 15zm.5-1.5 4-4 3 3 2.5-2.5 3.5 3.500M12.7 7.500h.1"
            }
            Icon::Camera => {
                "M3 14.500v-7A1.5 1.5 0 0 1 4.5 6h2L8 4h4l1.500 2h2A1.5 1.5 0 0 1 17 7.500v7a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 3 14.500zM10 13.200a2.7 2.7 0 1 0 0-5.400 2.7 2.7 0 0 0 0 5.400z"
            }
            Icon::Find => {
                "M4 7.500V4h3.500M12.5 4H16v3.500M16 12.500V16h-3.500M7.5 16H4v-3.500M8.5 8l2-1.500v7"
            }
            Icon::Undo => "M7.5 4 4 7.5 7.5 11M4.5 7.500H12a4 4 0 0 1 0 8H8",
            Icon::Redo => "M12.5 4 16 7.5 12.5 11M15.5 7.500H8a4 4 0 0 0 0 8h4",
            Icon::Plus => "M10 4.500v11M4.5 10h11",
            Icon::Minus => "M4.5 10h11",
            Icon::Compare => "M10 3.500v13M6.5 7 3.500 10l3 3M13.500 7l3 3-3 3",
            Icon::Beside => "M3.5 4.500h5v11h-5zM11.500 4.500h5v11h-5z",
            Icon::Eye => {
                "M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5-7.5-5-7.5-5zM10 12.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400z"
            }
            Icon::Look => "M9 14.500a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l3.500 3.500",
            Icon::Save => "M10 3.500v9M6.5 9.5 10 13l3.5-3.500M4 16.500h12",
            Icon::Trash => {
                "M4 6h12M8 6V4.500a1 1 0 0 1 1-1h2a1 1 0 0 1 1 1V6M5.5 6l.7 9a1.5 1.5 0 0 0 1.5 1.400h4.600a1.5 1.5 0 0 0 1.5-1.400l.7-9"
            }
            Icon::Close => "m5.5 5.5 9 9M14.5 5.500l-9 9",
            Icon::Info => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.500v4M10 6.700h.01",
            Icon::Warning => "M10 3.5 17.5 16.500h-15zM10 8.500v3.500M10 14.300h.01",
            Icon::Check => "m4.5 10.5 3.7 3.7 7.3-8",
            Icon::Lock => {
                "M6.5 9V6.800a3.5 3.5 0 0 1 7 0V9M5.5 9h9a1 1 0 0 1 1 1v5.500a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1z"
            }
            Icon::Keyboard => {
                "M3.5 5.500h13a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM5.5 8.500h.01M8.5 8.500h.01M11.5 8.500h.01M14.5 8.500h.01M7 11.700h6"
            }
            Icon::Theme => {
                "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 3.5a6.5 6.5 0 0 1 0 13z"
            }
            Icon::Brush => {
                "M16.500 3.500 9 11M11 13a3 3 0 1 1-2-2zM6.200 11.200C4 11.600 5 14.500 3 15.500c2 1.500 5.800 1.300 6.800-.700"
            }
            Icon::Eraser => {
                "m8.5 16-4.6-4.600a1.3 1.3 0 0 1 0-1.800l5.7-5.700a1.3 1.3 0 0 1 1.8 0l4.7 4.700a1.3 1.3 0 0 1 0 1.800L10.5 16zM6.8 6.700l6.5 6.500M8 16h8.5"
            }
        }
    }

    /// The icon, hidden from screen readers: the control it sits in has a name of its own.
    pub fn view(self) -> impl IntoView + use<> {
        view! {
            <svg
                class="icon"
                class:is-filled-half=self == Icon::Theme
                viewBox="0 0 20 20"
                aria-hidden="true"
                focusable="false"
            >
                <path d=self.path()></path>
            </svg>
        }
    }
}
