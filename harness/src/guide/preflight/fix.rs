//! Which commands mend it?
//!
//! Windows PowerShell 5.1, in a session that runs as administrator on the machine that is named. They can be run as they
//! stand: what differs from cluster to cluster is filled in, quoted, and passwords are asked for. What no command does
//! is said in words. Every command and parameter stands in the table of [`commands`](super::commands).

use crate::guide::snapshot::{Node, PrivateKey, Service, SettingsFile, Worker, bindings};

use super::setup::{Setup, master_service, worker_service};

/// What to do about something that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// Commands, machine by machine, in the order in which they are run.
    pub steps: Vec<Step>,
    /// What no command does, or what to do besides.
    pub by_hand: Option<String>,
}

/// Commands that are run on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The machine: the name of a node or worker, or `any node`.
    pub on: String,
    /// The commands, in their order.
    pub commands: Vec<String>,
}

impl Fix {
    /// Commands on one machine.
    pub(super) fn on(machine: &str, commands: impl IntoIterator<Item = String>) -> Self {
        Self::default().then(machine, commands)
    }

    /// Commands for the cluster, which any node carries out.
    pub(super) fn on_any_node(commands: impl IntoIterator<Item = String>) -> Self {
        Self::on(ANY_NODE, commands)
    }

    /// What no command does.
    pub(super) fn by_hand(what: impl Into<String>) -> Self {
        Self { steps: Vec::new(), by_hand: Some(what.into()) }
    }

    /// More commands, after these.
    pub(super) fn then(mut self, machine: &str, commands: impl IntoIterator<Item = String>) -> Self {
        let commands: Vec<String> = commands.into_iter().collect();
        match self.steps.last_mut().filter(|step| step.on == machine) {
            Some(step) => step.commands.extend(commands),
            None if commands.is_empty() => {}
            None => self.steps.push(Step { on: machine.to_owned(), commands }),
        }
        self
    }

    /// The steps of another one, after these.
    pub(super) fn and(mut self, other: Self) -> Self {
        for step in other.steps {
            self = self.then(&step.on, step.commands);
        }
        self.by_hand = self.by_hand.or(other.by_hand);
        self
    }

    /// Without characters that would do something to a terminal.
    pub(super) fn plain(mut self) -> Self {
        for step in &mut self.steps {
            step.on = super::plain(&step.on);
            step.commands.iter_mut().for_each(|command| *command = super::plain(command));
        }
        self.by_hand = self.by_hand.map(|text| super::plain(&text));
        self
    }

    /// What to do besides.
    pub(super) fn and_by_hand(self, what: impl Into<String>) -> Self {
        Self { by_hand: Some(what.into()), ..self }
    }
}

/// A text as PowerShell takes it to the letter: in single quotes, of which Windows PowerShell knows five (about_Quoting_Rules,
/// documented; the typographic ones: its language specification, 2.3.5.2).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for letter in text.chars() {
        if matches!(letter, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(letter);
        }
        quoted.push(letter);
    }
    quoted.push('\'');
    quoted
}

/// A text as Transact-SQL takes it to the letter.
pub(super) fn sql_text(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// A name as Transact-SQL takes it.
pub(super) fn sql_name(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// Statements that are carried out by a SQL Server; `-b` makes an error one of the command.
pub(super) fn sqlcmd(server: &str, database: &str, statements: &str) -> String {
    format!("sqlcmd.exe -b -E -S {} -d {database} -Q {}", quoted(server), quoted(statements))
}

/// What a key of a settings file is set to.
#[derive(Clone, Copy)]
pub(super) enum Value<'v> {
    /// This text.
    Text(&'v str),
    /// This number, in quotes if there were some: nobody knows how the product writes them.
    Number(u64),
    /// The thumbprint of the certificate that was made before, in `$new`.
    NewThumbprint,
}

/// Sets a key of a settings file, and keeps the file as it was beside it.
pub(super) fn set(file: &SettingsFile, key: &str, value: Value<'_>) -> Vec<String> {
    let text = "\\s*)(\"[^\"]*\"|[^,}\\s]+)";
    let (old, with) = match value {
        Value::Text(value) => {
            // What JSON escapes, and then what a replacement of .NET takes for a group.
            let value = serde_json::Value::from(value).to_string().replace('$', "$$");
            (text, quoted(&format!("${{1}}{value}")))
        }
        Value::Number(number) => ("\\s*\"?)[^\",}\\s]*", format!("'${{1}}{number}'")),
        Value::NewThumbprint => (text, "('${1}\"' + $new.Thumbprint + '\"')".to_owned()),
    };
    let mut commands = keep(file);
    commands.push(format!(
            "[System.IO.File]::WriteAllText($file, ([System.IO.File]::ReadAllText($file) -replace '(\"{key}\"\\s*:{old}', {with}))"
        ));
    commands
}

/// The file in `$file`, and a copy of it.
fn keep(file: &SettingsFile) -> Vec<String> {
    vec![
        format!("$file = {}", quoted(&file.path)),
        "Copy-Item -LiteralPath $file -Destination \"$file.before\"".to_owned(),
    ]
}

/// Spells a key of a settings file as the product does, and keeps the file as it was beside it.
pub(super) fn spell(file: &SettingsFile, key: &str, name: &str) -> Vec<String> {
    let mut commands = keep(file);
    commands.push(format!(
        "[System.IO.File]::WriteAllText($file, ([System.IO.File]::ReadAllText($file) -replace '\"{key}\"', '\"{name}\"'))"
    ));
    commands
}

/// Sets a key of a master's settings, and lets the master read it.
pub(super) fn set_of_master(setup: &Setup<'_>, node: &Node, key: &str, value: Value<'_>) -> Fix {
    let Ok(file) = node.master_settings.seen() else { return Fix::default() };
    Fix::on(&node.name, set(file, key, value)).and(restart_master(setup, node))
}

/// Sets a key of a worker's settings, and lets the worker read it.
pub(super) fn set_of_worker(worker: &Worker, key: &str, value: &str) -> Fix {
    let Ok(file) = worker.worker_settings.seen() else { return Fix::default() };
    Fix::on(&worker.name, set(file, key, Value::Text(value))).and(restart_worker(worker))
}

/// Lets the master read its settings where it runs; elsewhere it reads them when it starts.
pub(super) fn restart_master(setup: &Setup<'_>, node: &Node) -> Fix {
    let Ok(service) = master_service(node) else { return Fix::default() };
    if service.state != "Running" {
        return Fix::default();
    }
    match &setup.master {
        // A service that is stopped behind the cluster's back is a failed resource.
        Ok(resource) => Fix::on(
            &node.name,
            ["Stop", "Start"].map(|verb| format!("{verb}-ClusterResource -Name {}", quoted(&resource.name))),
        ),
        Err(_) => Fix::on(&node.name, [restart(service)]),
    }
}

/// Lets a worker read its settings.
pub(super) fn restart_worker(worker: &Worker) -> Fix {
    match worker_service(worker) {
        Ok(service) => Fix::on(&worker.name, [restart(service)]),
        Err(_) => Fix::default(),
    }
}

fn restart(service: &Service) -> String {
    format!("Restart-Service -Name {}", quoted(&service.name))
}

/// Brings a certificate with its private key from a node that has it into LocalMachine\Root of another.
pub(super) fn bring_with_key(setup: &Setup<'_>, thumbprint: &str, node: &Node) -> Fix {
    let has_it = |other: &&Node| {
        other.name != node.name
            && other.root.seen().is_ok_and(|root| {
                root.iter().any(|one| one.thumbprint == thumbprint && one.private_key == PrivateKey::Opens)
            })
    };
    let Some(source) = setup.snapshot.nodes.iter().find(has_it) else {
        return Fix::by_hand(format!(
            "no other node that was seen has {thumbprint} with a private key that opens: import its PFX file from a \
             backup into LocalMachine\\Root of {}, or make another master certificate",
            node.name
        ));
    };
    let exported = format!("\"$env:SystemRoot\\Temp\\{thumbprint}.pfx\"");
    let imported = quoted(&format!("\\\\{}\\ADMIN$\\Temp\\{thumbprint}.pfx", source.name));
    let password =
        |what: &str| format!("-Password (Read-Host -AsSecureString -Prompt '{what} password of the file')");
    Fix::on(
        &source.name,
        [format!(
            "Export-PfxCertificate -Cert {} -FilePath {exported} {}",
            quoted(&format!("Cert:\\LocalMachine\\Root\\{thumbprint}")),
            password("A new")
        )],
    )
    .then(
        &node.name,
        [
            format!(
                "Import-PfxCertificate -FilePath {imported} -CertStoreLocation {ROOT} -Exportable {}",
                password("The")
            ),
            format!("Remove-Item -LiteralPath {imported}"),
        ],
    )
}

/// Brings the public part of a certificate from a store of one machine into LocalMachine\Root of another.
pub(super) fn bring(thumbprint: &str, from: &str, store: &str, to: &str) -> Fix {
    let certificate = quoted(&format!("Cert:\\LocalMachine\\{store}\\{thumbprint}"));
    let file = quoted(&format!("\\\\{from}\\ADMIN$\\Temp\\{thumbprint}.cer"));
    Fix::on(
        from,
        [format!(
            "Export-Certificate -Cert {certificate} -FilePath \"$env:SystemRoot\\Temp\\{thumbprint}.cer\""
        )],
    )
    .then(to, [format!("Import-Certificate -FilePath {file} -CertStoreLocation {ROOT}")])
}

/// Binds a certificate in Root to a port, for every address of a family; what is bound there goes first.
pub(super) fn bind(node: &Node, any: &str, port: u16, thumbprint: &str) -> Vec<String> {
    let ip_port = format!("{any}:{port}");
    let bound = node.sslcert.seen().map(|text| bindings(text)).unwrap_or_default();
    let delete = format!("netsh.exe http delete sslcert {}", quoted(&format!("ipport={ip_port}")));
    let add = format!(
        "netsh.exe http add sslcert {} certhash={thumbprint} {} certstorename=Root",
        quoted(&format!("ipport={ip_port}")),
        quoted(&format!("appid={APPLICATION}")),
    );
    let is_bound = bound.iter().any(|binding| binding.ip_port == ip_port);
    is_bound.then_some(delete).into_iter().chain([add]).collect()
}

/// Makes a certificate that signs itself, in `$new`: a store of the machine other than My cannot be made in
/// (New-SelfSignedCertificate, documented).
pub(super) fn make_certificate(names: &[String]) -> String {
    let subject: Vec<String> = names.iter().map(|name| format!("CN={name}")).collect();
    let listed: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!(
        "$new = New-SelfSignedCertificate -Subject {} -DnsName {} -CertStoreLocation 'Cert:\\LocalMachine\\My' \
         -KeyExportPolicy Exportable -NotAfter (Get-Date).AddYears(10)",
        quoted(&subject.join(", ")),
        listed.join(", ")
    )
}

/// Gives a worker a certificate of its own, which its account may read.
pub(super) fn make_worker_certificate(worker: &Worker) -> Fix {
    let Ok(file) = worker.worker_settings.seen() else { return Fix::default() };
    let made = std::iter::once(make_certificate(std::slice::from_ref(&worker.name))).chain(set(
        file,
        "WorkerHttpsCertThumbprint",
        Value::NewThumbprint,
    ));
    // A worker trusts its own certificate too (deal-with-certificates-in-ssis-scale-out, documented).
    let file = "\"$env:SystemRoot\\Temp\\$($new.Thumbprint).cer\"";
    let trusted = [
        format!("Export-Certificate -Cert $new -FilePath {file}"),
        format!("Import-Certificate -FilePath {file} -CertStoreLocation {ROOT}"),
    ];
    Fix::on(&worker.name, made)
        .then(&worker.name, trusted)
        .then(&worker.name, grant(worker, "$new"))
        .and(restart_worker(worker))
        .and_by_hand(
            "every node needs it in LocalMachine\\Root then: step 8 of the next snapshot has the commands",
        )
}

/// Lets the account of a worker read the private key of a certificate: `$new`, or an expression.
///
/// The file of the key is found by its name, wherever its provider keeps it
/// (deal-with-certificates-in-ssis-scale-out names winhttpcertcfg.exe, which Windows does not bring along).
pub(super) fn grant(worker: &Worker, certificate: &str) -> Vec<String> {
    let Ok(service) = worker_service(worker) else { return Vec::new() };
    vec![
        format!(
            "$key = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey({certificate})"
        ),
        "$file = Get-ChildItem -LiteralPath \"$env:ProgramData\\Microsoft\\Crypto\" -Recurse -Filter $key.Key.UniqueName"
            .to_owned(),
        format!("icacls.exe $file.FullName /grant {}", quoted(&format!("{}:R", service.account))),
    ]
}

/// The expression for a certificate in LocalMachine\My.
pub(super) fn of_machine(thumbprint: &str) -> String {
    format!("(Get-Item -LiteralPath {})", quoted(&format!("Cert:\\LocalMachine\\My\\{thumbprint}")))
}

/// Lets a service run as an account, whose password is asked for.
pub(super) fn set_account(service: &str, account: Option<&str>) -> Vec<String> {
    let user = account.map(|account| format!(" -UserName {}", quoted(account))).unwrap_or_default();
    vec![
        format!("$account = Get-Credential{user} -Message 'The domain account that the service runs as'"),
        format!(
            "Invoke-CimMethod -Query {} -MethodName Change -Arguments @{{ StartName = $account.UserName; StartPassword = \
             $account.GetNetworkCredential().Password }}",
            quoted(&format!("SELECT * FROM Win32_Service WHERE Name = '{service}'")),
        ),
    ]
}

/// Grants an account the right to log on as a service, in the local policy.
pub(super) fn let_log_on(account: &str) -> Vec<String> {
    vec![
        "$file = \"$env:TEMP\\rights.inf\"".to_owned(),
        "secedit.exe /export /areas USER_RIGHTS /cfg $file".to_owned(),
        sid_of(account),
        "(Get-Content -LiteralPath $file) -replace '^SeServiceLogonRight = .*', ('$0,*' + $sid) | Set-Content -LiteralPath \
         $file -Encoding Unicode"
            .to_owned(),
        "secedit.exe /configure /db \"$env:TEMP\\rights.sdb\" /cfg $file /areas USER_RIGHTS".to_owned(),
    ]
}

/// The SID of an account, in `$sid`.
pub(super) fn sid_of(account: &str) -> String {
    if account.eq_ignore_ascii_case("LocalSystem") {
        return "$sid = 'S-1-5-18'".to_owned();
    }
    format!(
        "$sid = (New-Object -TypeName System.Security.Principal.NTAccount -ArgumentList \
         {}).Translate([System.Security.Principal.SecurityIdentifier]).Value",
        quoted(account)
    )
}

/// Where commands of the cluster run.
const ANY_NODE: &str = "any node";

/// The store in which certificates are trusted.
const ROOT: &str = "'Cert:\\LocalMachine\\Root'";

/// The application that owns a binding: the one that deal-with-certificates-in-ssis-scale-out uses (documented; any GUID
/// will do).
const APPLICATION: &str = "{a1f96506-93e0-4c91-9171-05a2f6739e13}";
