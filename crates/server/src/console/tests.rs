//! Pages as people and attackers meet them.

mod markup;
mod pages;
mod routes;
