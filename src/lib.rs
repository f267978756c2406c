//! A local OData server in front of the Citrix Monitor Service.
//!
//! A request flows one way, [`web`] → [`gateway`] → [`cache`] → [`upstream`], and its answer flows back.
//! The rooms, from the bottom up:
//!
//! - [`address`]: clients told apart;
//! - [`clock`], [`schedule`], [`tasks`], [`telemetry`]: time, what is due, background work, log output;
//! - [`journal`]: the latest requests;
//! - [`keystore`]: where a client secret rests;
//! - [`memo`]: what was decided about a text;
//! - [`transport`]: sending one HTTP request, over the network or into a router in this process;
//! - [`odata`]: the language: questions, pages, links, `$metadata`; pure functions over bytes;
//! - [`auth`]: proving who we are, upstream;
//! - [`upstream`]: asking the service for one page: lane, retries, errors;
//! - [`cache`]: remembering answers, and sharing one fill among all who wait for it;
//! - [`gateway`]: the one path from a question to its answer;
//! - [`warm`]: answers that are made before anybody asks;
//! - [`web`], [`admin`], [`pages`]: the OData surface, the operator's surface, and pages for people;
//! - [`demo`]: Citrix Cloud in a box, which shares no parsing code with the rest;
//! - [`service`]: being a service, of systemd or of Windows;
//! - [`config`], [`cli`], [`check`], [`signals`], [`app`]: what the operator decided, and putting it all together.

pub mod address;
pub mod clock;
pub mod journal;
pub mod keystore;
pub mod memo;
pub mod schedule;
pub mod tasks;
pub mod telemetry;
pub mod transport;

pub mod odata;

pub mod auth;
pub mod upstream;

pub mod cache;
pub mod gateway;

pub mod admin;
pub mod pages;
pub mod warm;
pub mod web;

pub mod demo;

pub mod app;
pub mod check;
pub mod cli;
pub mod commands;
pub mod config;
pub mod server;
pub mod service;
pub mod signals;
