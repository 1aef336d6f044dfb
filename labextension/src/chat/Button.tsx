import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

/** A button that shows an icon and has a name for those who do not see it. */
export function IconButton({
  icon,
  name,
  onPress,
  isPressed,
  isDisabled = false,
  className = ''
}: IconButton.IProps): ReactElement {
  return (
    <button
      type="button"
      className={`jp-OllamaLabChat-icon ${className}`}
      title={name}
      aria-label={name}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onPress}
    >
      <icon.react tag="span" aria-hidden="true" />
    </button>
  );
}

export namespace IconButton {
  export interface IProps {
    icon: LabIcon;
    name: string;
    onPress: () => void;
    /** For a button that stays down. */
    isPressed?: boolean;
    isDisabled?: boolean;
    className?: string;
  }
}
