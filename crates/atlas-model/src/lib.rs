//! The MongoDB Atlas Administration API v2 in types: operations, resources, ids, versions, errors.
//!
//! Sans-IO: no socket, no clock, no runtime. An operation is a value; [`OperationExt`] turns it
//! into an [`http::Request`] and reads the [`http::Response`]. `atlas-transport` sends operations
//! with authentication and retries; any other HTTP client can send them too.
//!
//! ```
//! use atlas_model::flex_clusters::{ClusterState, GetFlexCluster};
//! use atlas_model::{CallOptions, ClusterName, OperationExt, ProjectId};
//!
//! let project = ProjectId::parse("32b6e34b3d91647abb20e7b8")?;
//! let operation = GetFlexCluster::new(project, ClusterName::parse("Flex0")?);
//!
//! let options = CallOptions::default();
//! let request = operation.to_request(&options)?;
//! assert_eq!(request.headers()["accept"], "application/vnd.atlas.2024-11-13+json");
//!
//! // … send the request, then read the response:
//! let response = http::Response::new(r#"{"stateName": "IDLE", "new": 1}"#.into());
//! let cluster = GetFlexCluster::from_response(response, &options)?.into_inner();
//! assert_eq!(cluster.state_name, Some(ClusterState::Idle));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules and features
//!
//! Each of the API's 60 tags is a module with its operations and types, behind a feature of the
//! same name: `flex_clusters` behind `flex-clusters`. A type used by several tags is in [`shared`],
//! and each of their modules re-exports it. The default features are the eight tags around backups:
//! `cloud-backups`, `clusters`, `flex-clusters`, `flex-restore-jobs`, `flex-snapshots`, `projects`,
//! `shared-tier-restore-jobs` and `shared-tier-snapshots`. `full` enables all tags, 520 operations.
//! `preview` adds the 26 operations that have only a preview version; they may change in any
//! release.
//!
//! rustdoc's search finds operations by their current and former `operationId`.
//!
//! # Requests
//!
//! The constructor of an operation takes its required parameters, path parameters first and in the
//! order of the path, and then the body. The constructor of a body takes its required fields in the
//! alphabetical order of their JSON names. Consuming setters set the rest. Text, enum and union
//! arguments convert from several types: pass `"AWS"` or `CloudProvider::Aws`. A [`ClusterName`] or
//! [`ProjectId`] exists only if it matches its documented pattern; other parameters are checked
//! when the request is built. The body of a `PATCH` has no required fields. Fields that are `None`
//! are left out; to send a `null`, make a raw call with `atlas-transport`.
//!
//! ```
//! use atlas_model::flex_clusters::{
//!     CreateFlexCluster, FlexClusterDescriptionCreate, FlexProviderSettingsCreate, ResourceTag,
//! };
//!
//! let settings = FlexProviderSettingsCreate::new("AWS", "US_EAST_1");
//! let cluster = FlexClusterDescriptionCreate::new("Flex0".parse()?, settings)
//!     .tags(vec![ResourceTag::new("team", "payments")])
//!     .termination_protection_enabled(true);
//! let operation = CreateFlexCluster::new("32b6e34b3d91647abb20e7b8".parse()?, cluster);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Responses
//!
//! Every field is an `Option`, even if it is documented as required. Patterns and bounds are not
//! enforced, except those of ids. Enums are open: an unknown value is `Other`. A union is an enum
//! with the variant `Unknown` for undocumented types. A malformed id, or a value whose JSON type
//! differs from the documented one, is left out and listed in [`Answer::deviations`]; the other
//! fields are still read. More than 32
//! such values are an error that lists all of them; a body that is not JSON is an error too.
//! Unknown fields are in [`Answer::body`]. JSON without a documented shape is kept unchanged as
//! [`Json`].
//!
//! ```
//! use atlas_model::flex_clusters::GetFlexCluster;
//! use atlas_model::{CallOptions, OperationExt};
//!
//! let body = r#"{"name": "Flex0", "groupId": 7}"#;
//! let answer =
//!     GetFlexCluster::from_response(http::Response::new(body.into()), &CallOptions::default())?;
//! assert_eq!(answer.value.name.as_deref(), Some("Flex0"));
//! assert_eq!(
//!     answer.deviations[0].to_string(),
//!     "groupId: a number, expected a string (24 lowercase hex digits)"
//! );
//! # Ok::<(), atlas_model::ResponseError>(())
//! ```
//!
//! The types have the fields of the newest stable version, which is requested by default. A
//! response in another version is a deviation. Secrets in bodies are [`Secret`]s, which `Debug`
//! does not show.
//!
//! # Other operations
//!
//! [`Operation`] can be implemented for operations that this crate lacks; its page shows how, in 25
//! lines. Make the fields of the response type `Option`s: values of a wrong type are then left out,
//! as in the generated types.
//!
//! # Not supported
//!
//! Types of versions other than the newest, and `upcoming` versions. A union whose members share no
//! documented discriminator is a struct with the fields of all of them; a field with different
//! types in two members is a string or [`Json`].

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod api_error;
pub mod envelope;
pub mod operation;

// Generated by `atlas-codegen`: begin.
#[cfg(feature = "access-tracking")]
#[path = "generated/access_tracking.rs"]
pub mod access_tracking;
#[cfg(feature = "activity-feed")]
#[path = "generated/activity_feed.rs"]
pub mod activity_feed;
#[cfg(feature = "ai-model-api-keys")]
#[path = "generated/ai_model_api_keys.rs"]
pub mod ai_model_api_keys;
#[cfg(feature = "ai-model-rate-limits")]
#[path = "generated/ai_model_rate_limits.rs"]
pub mod ai_model_rate_limits;
#[cfg(feature = "alert-configurations")]
#[path = "generated/alert_configurations.rs"]
pub mod alert_configurations;
#[cfg(feature = "alerts")]
#[path = "generated/alerts.rs"]
pub mod alerts;
#[cfg(feature = "atlas-search")]
#[path = "generated/atlas_search.rs"]
pub mod atlas_search;
#[cfg(feature = "auditing")]
#[path = "generated/auditing.rs"]
pub mod auditing;
#[cfg(feature = "aws-clusters-dns")]
#[path = "generated/aws_clusters_dns.rs"]
pub mod aws_clusters_dns;
#[cfg(feature = "cloud-backups")]
#[path = "generated/cloud_backups.rs"]
pub mod cloud_backups;
#[cfg(feature = "cloud-migration-service")]
#[path = "generated/cloud_migration_service.rs"]
pub mod cloud_migration_service;
#[cfg(feature = "cloud-provider-access")]
#[path = "generated/cloud_provider_access.rs"]
pub mod cloud_provider_access;
#[cfg(feature = "cluster-outage-simulation")]
#[path = "generated/cluster_outage_simulation.rs"]
pub mod cluster_outage_simulation;
#[cfg(feature = "clusters")]
#[path = "generated/clusters.rs"]
pub mod clusters;
#[cfg(feature = "collection-level-metrics")]
#[path = "generated/collection_level_metrics.rs"]
pub mod collection_level_metrics;
#[cfg(feature = "custom-database-roles")]
#[path = "generated/custom_database_roles.rs"]
pub mod custom_database_roles;
#[cfg(feature = "data-federation")]
#[path = "generated/data_federation.rs"]
pub mod data_federation;
#[cfg(feature = "database-users")]
#[path = "generated/database_users.rs"]
pub mod database_users;
#[cfg(feature = "encryption-at-rest-using-customer-key-management")]
#[path = "generated/encryption_at_rest_using_customer_key_management.rs"]
pub mod encryption_at_rest_using_customer_key_management;
#[cfg(feature = "events")]
#[path = "generated/events.rs"]
pub mod events;
#[cfg(feature = "federated-authentication")]
#[path = "generated/federated_authentication.rs"]
pub mod federated_authentication;
#[cfg(feature = "flex-clusters")]
#[path = "generated/flex_clusters.rs"]
pub mod flex_clusters;
#[cfg(feature = "flex-restore-jobs")]
#[path = "generated/flex_restore_jobs.rs"]
pub mod flex_restore_jobs;
#[cfg(feature = "flex-snapshots")]
#[path = "generated/flex_snapshots.rs"]
pub mod flex_snapshots;
#[cfg(feature = "global-clusters")]
#[path = "generated/global_clusters.rs"]
pub mod global_clusters;
#[cfg(feature = "invoices")]
#[path = "generated/invoices.rs"]
pub mod invoices;
#[cfg(feature = "ldap-configuration")]
#[path = "generated/ldap_configuration.rs"]
pub mod ldap_configuration;
#[cfg(feature = "legacy-backup")]
#[path = "generated/legacy_backup.rs"]
pub mod legacy_backup;
#[cfg(feature = "limit-description")]
#[path = "generated/limit_description.rs"]
pub mod limit_description;
#[cfg(feature = "maintenance-windows")]
#[path = "generated/maintenance_windows.rs"]
pub mod maintenance_windows;
#[cfg(feature = "metric-integrations")]
#[path = "generated/metric_integrations.rs"]
pub mod metric_integrations;
#[cfg(feature = "mongodb-cloud-users")]
#[path = "generated/mongodb_cloud_users.rs"]
pub mod mongodb_cloud_users;
#[cfg(feature = "monitoring-and-logs")]
#[path = "generated/monitoring_and_logs.rs"]
pub mod monitoring_and_logs;
#[cfg(feature = "network-peering")]
#[path = "generated/network_peering.rs"]
pub mod network_peering;
#[cfg(feature = "online-archive")]
#[path = "generated/online_archive.rs"]
pub mod online_archive;
#[cfg(feature = "organizations")]
#[path = "generated/organizations.rs"]
pub mod organizations;
#[cfg(feature = "overload-protection-simulation")]
#[path = "generated/overload_protection_simulation.rs"]
pub mod overload_protection_simulation;
#[cfg(feature = "performance-advisor")]
#[path = "generated/performance_advisor.rs"]
pub mod performance_advisor;
#[cfg(feature = "private-endpoint-services")]
#[path = "generated/private_endpoint_services.rs"]
pub mod private_endpoint_services;
#[cfg(feature = "programmatic-api-keys")]
#[path = "generated/programmatic_api_keys.rs"]
pub mod programmatic_api_keys;
#[cfg(feature = "project-ip-access-list")]
#[path = "generated/project_ip_access_list.rs"]
pub mod project_ip_access_list;
#[cfg(feature = "projects")]
#[path = "generated/projects.rs"]
pub mod projects;
#[cfg(feature = "push-based-log-export")]
#[path = "generated/push_based_log_export.rs"]
pub mod push_based_log_export;
#[cfg(feature = "query-shape-insights")]
#[path = "generated/query_shape_insights.rs"]
pub mod query_shape_insights;
#[cfg(feature = "rate-limiting")]
#[path = "generated/rate_limiting.rs"]
pub mod rate_limiting;
#[cfg(feature = "remote-mcp-configurations")]
#[path = "generated/remote_mcp_configurations.rs"]
pub mod remote_mcp_configurations;
#[cfg(feature = "resource-policies")]
#[path = "generated/resource_policies.rs"]
pub mod resource_policies;
#[cfg(feature = "rolling-index")]
#[path = "generated/rolling_index.rs"]
pub mod rolling_index;
#[cfg(feature = "root")]
#[path = "generated/root.rs"]
pub mod root;
#[cfg(feature = "sandbox")]
#[path = "generated/sandbox.rs"]
pub mod sandbox;
#[cfg(feature = "serverless-instances")]
#[path = "generated/serverless_instances.rs"]
pub mod serverless_instances;
#[cfg(feature = "serverless-private-endpoints")]
#[path = "generated/serverless_private_endpoints.rs"]
pub mod serverless_private_endpoints;
#[cfg(feature = "service-accounts")]
#[path = "generated/service_accounts.rs"]
pub mod service_accounts;
#[path = "generated/shared.rs"]
pub mod shared;
#[cfg(feature = "shared-tier-restore-jobs")]
#[path = "generated/shared_tier_restore_jobs.rs"]
pub mod shared_tier_restore_jobs;
#[cfg(feature = "shared-tier-snapshots")]
#[path = "generated/shared_tier_snapshots.rs"]
pub mod shared_tier_snapshots;
#[cfg(feature = "standby-links")]
#[path = "generated/standby_links.rs"]
pub mod standby_links;
#[cfg(feature = "streams")]
#[path = "generated/streams.rs"]
pub mod streams;
#[cfg(feature = "teams")]
#[path = "generated/teams.rs"]
pub mod teams;
#[cfg(feature = "third-party-integrations")]
#[path = "generated/third_party_integrations.rs"]
pub mod third_party_integrations;
#[cfg(feature = "x509-authentication")]
#[path = "generated/x509_authentication.rs"]
pub mod x509_authentication;
// Generated by `atlas-codegen`: end.

mod answer;
mod asked;
mod call_options;
mod cause;
mod deviation;
mod error_chain;
mod id;
mod json;
#[cfg_attr(
    not(feature = "full"),
    allow(dead_code, reason = "unions use parts of it")
)]
mod lenient;
mod link;
mod meta;
mod name;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "structs use it"))]
mod object;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "enums use it"))]
mod open_enum;
mod page;
mod paging;
mod pattern;
mod payload;
mod redirect;
mod request;
mod request_error;
mod response_error;
mod secret;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "unions use it"))]
mod tagged;
mod timestamp;
mod version;

pub use answer::{Answer, AnswerMeta, Body, RateLimit};
pub use api_error::{ApiError, Throttle};
pub use asked::AskedOperation;
pub use atlas_pattern::UNICODE_VERSION;
pub use bytes;
pub use call_options::CallOptions;
pub use cause::Cause;
pub use compact_str::{self, CompactString};
pub use deviation::Deviation;
pub use error_chain::{causes, error_line, with_causes};
pub use http;
pub use id::{ClusterId, ObjectId, OrgId, PolicyItemId, ProjectId, RestoreJobId, SnapshotId};
pub use jiff;
pub use json::Json;
pub use link::{Link, SnapshotUrl};
pub use meta::{OperationMeta, Version};
pub use name::{ClusterName, CollectionName, DatabaseName, DeploymentItemName, ProjectName};
pub use operation::{NoBody, Operation, OperationExt, read_answer};
pub use page::{ItemsPerPage, NumberError, Page, PageNumber, Paged};
pub use paging::{NextPage, Paging, PagingError};
pub use pattern::{PatternError, PatternFault, Patterned};
pub use payload::{Empty, Payload, Unfit};
pub use request::RequestWriter;
pub use request_error::BuildError;
pub use response_error::{ApiFailure, ResponseError, Unreadable};
pub use secret::Secret;
pub use serde_json;
pub use timestamp::{RetryAfter, Timestamp, TimestampError, http_date};
pub use version::{ApiVersion, Format, MediaTypeError, VersionError, VersionedMediaType};

/// Tests the program in the README.
#[cfg(all(doctest, feature = "flex-clusters"))]
#[doc = include_str!("../README.md")]
struct Readme;
