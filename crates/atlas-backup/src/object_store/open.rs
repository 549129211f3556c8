//! Opens a store with its settings.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::connect::Connector;
use super::settings::Settings;
use super::url::{Kind, StoreUrl};

pub(super) type Opened = (
    Arc<dyn ObjectStore>,
    Arc<dyn MultipartStore>,
    Option<Arc<dyn MultipartStore>>,
);

/// No hidden retries: `Connection::ask` has the only retry loop.
fn once() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: Duration::ZERO,
    }
}

/// Opens a store; an error states what is missing, without any value.
pub(super) fn open(
    url: &StoreUrl,
    settings: &Settings,
    connector: &Connector,
) -> Result<Opened, &'static str> {
    const CREDENTIALS: &str = "its credentials are incomplete or cannot be read";
    let connector = connector.clone();
    match url.kind {
        Kind::S3 => {
            let mut builder = AmazonS3Builder::new();
            for (name, value) in settings.iter() {
                let key = name.to_ascii_lowercase().parse().map_err(|_| CREDENTIALS)?;
                builder = builder.with_config(key, value);
            }
            let builder = builder
                .with_bucket_name(&url.bucket)
                .with_retry(once())
                // One DELETE for each object, which every S3 server supports.
                .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
            let store = builder
                .clone()
                .with_http_connector(connector.clone())
                .build();
            let store = store.map_err(|_| CREDENTIALS)?;
            // One cache of credentials for both.
            let creating = builder
                .with_credentials(AmazonS3::credentials(&store).clone())
                .with_http_connector(connector.creating())
                .build();
            let creating = creating.map_err(|_| CREDENTIALS)?;
            let store = Arc::new(store);
            Ok((store.clone(), store, Some(Arc::new(creating))))
        }
        Kind::Google => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (name, value) in settings.iter() {
                let key = name.to_ascii_lowercase().parse().map_err(|_| CREDENTIALS)?;
                builder = builder.with_config(key, value);
            }
            let store = builder
                .with_bucket_name(&url.bucket)
                .with_retry(once())
                .with_http_connector(connector)
                .build();
            let store = Arc::new(store.map_err(|_| CREDENTIALS)?);
            Ok((store.clone(), store, None))
        }
        Kind::Azure => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (name, value) in settings.iter() {
                let key = name.to_ascii_lowercase().parse().map_err(|_| CREDENTIALS)?;
                builder = builder.with_config(key, value);
            }
            builder = match &url.account {
                Some(host) => builder.with_url(format!("abfss://{}@{host}/", url.bucket)),
                None if settings.get("AZURE_STORAGE_ACCOUNT_NAME").is_none() => {
                    return Err("set AZURE_STORAGE_ACCOUNT_NAME");
                }
                None => builder.with_container_name(&url.bucket),
            };
            let store = builder
                .with_retry(once())
                .with_http_connector(connector)
                .build();
            let store = Arc::new(store.map_err(|_| CREDENTIALS)?);
            Ok((store.clone(), store, None))
        }
    }
}
