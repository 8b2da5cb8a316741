//! How does `lab.yaml` become a lab of real hosts?

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::plan::Plan;
use crate::probe::{self, Target};

use super::binding::Binding;
use super::clock::WallClock;
use super::file::{Control, LabFile};
use super::hooks::Hooks;
use super::outside::{Outside, PATIENCE};
use super::reach::{Host, Lab};
use super::transport::{Ends, Place, Programs, RHYTHM, RemoteLab, Transport};

/// The lab of a file, reached by these programs. What hosts say is kept in a folder, if one is given.
///
/// `said` is what a command line has to say so that the same lab is used again.
pub fn lab(
    file: LabFile,
    transport: Transport,
    programs: Programs,
    transcript: Option<PathBuf>,
    said: String,
) -> Box<dyn Lab> {
    let begin = move |plan: &Plan| ends(&file, transport, plan);
    Box::new(RemoteLab::new(programs, begin).keeping(transcript).said(said))
}

fn ends(file: &LabFile, transport: Transport, plan: &Plan) -> io::Result<Ends> {
    let binding = Binding::of(plan);
    let mut places = BTreeMap::new();
    let mut hooks = Hooks::default();
    for host in binding.hosts() {
        let place = match (host, &file.control) {
            (Host::Control, Control::HyperV(name)) => {
                let is_here = ["localhost", "."].iter().any(|here| name.eq_ignore_ascii_case(here));
                Place { name: name.clone(), transport: if is_here { Transport::Local } else { transport } }
            }
            (Host::Control, Control::Hooks(own)) => {
                hooks = own.clone();
                continue;
            }
            (Host::Control, Control::Nobody) => continue,
            (Host::Node(_) | Host::Worker(_), _) => {
                let name = binding.host_name(host);
                Place { name: file.host(&name).to_owned(), transport }
            }
        };
        places.insert(host, place);
    }
    let probe = Outside::begin(probe_of(file, plan)?, binding)?;
    Ok(Ends { places, hooks, probe: Box::new(probe), clock: Box::new(WallClock::begin()), rhythm: RHYTHM })
}

/// The endpoint that the workers know, seen from here.
fn probe_of(file: &LabFile, plan: &Plan) -> io::Result<probe::Probe> {
    let topology = &plan.topology;
    let host = plan.names.host(topology.endpoint);
    let found = file.resolve.iter().find(|(name, _)| name.value.eq_ignore_ascii_case(host));
    let resolved: Vec<(String, IpAddr)> =
        found.map(|(name, address)| (name.value.clone(), *address)).into_iter().collect();
    let target = Target::parse(&format!("https://{host}:{}", topology.endpoint_port()))
        .and_then(|target| target.at(&resolved));
    Ok(probe::Probe {
        target: target.map_err(io::Error::other)?,
        pin: None,
        own: None,
        interval: RHYTHM.probe,
        patience: PATIENCE,
        time: None,
    })
}
