//! Disk usage of images, containers and volumes.
